import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { isSlipwayError } from '../model/index.ts';
import { readTarIndex } from './tar-index.ts';
import { makeTar } from './testing.ts';

test('an index has each member and where its bytes are, without reading them', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tar-index-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const contents = ['first', '', 'x'.repeat(100_000), 'last'];
  const tar = makeTar(contents.map((content, i) => ({ path: `member${i}${i === 3 ? 'n'.repeat(200) : ''}`, content })));
  const file = path.join(dir, 'a.tar');
  fs.writeFileSync(file, tar);
  const index = [...readTarIndex(file)];
  assert.deepEqual(
    index.map((m) => tar.toString('latin1', m.dataOffset, m.dataOffset + m.storedSize)),
    contents,
  );
  const fd = fs.openSync(file, 'r');
  assert.equal([...readTarIndex(fd)].length, 4);
  fs.closeSync(fd);
  for (const cut of [50_000, 3000]) {
    fs.truncateSync(file, cut);
    assert.throws(
      () => [...readTarIndex(file)],
      (error) => isSlipwayError(error) && error.code === 'archive.truncated',
    );
  }
});
