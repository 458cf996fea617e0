import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAppArmor } from './apparmor.ts';

test('the AppArmor profile is loaded once, where kernel and parser are there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-apparmor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const places = { enabled: join(folder, 'enabled'), loaded: join(folder, 'loaded'), path: `${folder}:/usr/bin:/bin` };
  const parser = (script: string): void => writeFileSync(join(folder, 'apparmor_parser'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  assert.equal(await loadAppArmor(places), 'off');
  writeFileSync(places.loaded, 'other (enforce)\n');
  writeFileSync(places.enabled, 'N\n');
  assert.equal(await loadAppArmor(places), 'off');
  writeFileSync(places.enabled, 'Y\n');
  assert.equal(await loadAppArmor({ ...places, path: '/nowhere' }), 'no-parser');
  parser('cat > /dev/null; echo "syntax error" >&2; exit 1');
  await assert.rejects(loadAppArmor(places), { code: 'runtime.apparmor' });
  parser(`cat > ${folder}/got`);
  assert.equal(await loadAppArmor(places), 'on');
  const got = readFileSync(join(folder, 'got'), 'utf8');
  assert.match(got, /^profile slipway-default flags=\(attach_disconnected,mediate_deleted\) \{/m);
  assert.equal(got.split('{').length, got.split('}').length);
  parser('exit 1');
  writeFileSync(places.loaded, 'other (enforce)\nslipway-default (enforce)\n');
  assert.equal(await loadAppArmor(places), 'on');
});
