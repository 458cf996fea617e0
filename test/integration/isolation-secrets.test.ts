// A secret of a build is in the memory of those that need it and nowhere else: not in the store, not in the folder of run-time state, not
// in an argument list or an environment outside the step's own container; not while its step runs, not after it, not after SIGKILL.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { leaks } from '../support/leaks.ts';
import { TestStore, scratch } from '../support/store.ts';

const store = new TestStore(scratch());
const context = join(store.folder, 'context');
const SECRET = 'zq7-secret-of-the-build';
const PROXY = 'zq7-password-of-the-proxy';
mkdirSync(context, { recursive: true });
mkdirSync(store.run, { recursive: true });
copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
writeFileSync(join(store.folder, 'secret'), SECRET);
after(() => removeTree(store.folder));

const FILE = (command: string): string => `FROM scratch
COPY busybox /bin/sh
COPY busybox /bin/
RUN --mount=type=secret,id=one,env=TOKEN --mount=type=secret,id=one,target=/file --mount=type=ssh ${command}
`;

const BUILD =
  `build --network none --no-cache --progress plain --secret id=one,src=${store.folder}/secret --build-arg HTTPS_PROXY=http://user:${PROXY}@proxy.invalid`.split(
    ' ',
  );

const found = (...words: string[]): string[] =>
  leaks(words, { folders: [store.root, store.run], given: (text) => text.includes('--build-arg') });

for (const runtime of ['crun', 'runc']) {
  test(`secrets are on no disk and in no argument list (${runtime})`, async (t) => {
    const env = { SLIPWAY_RUNTIME: runtime };
    writeFileSync(join(context, 'Dockerfile'), FILE('busybox grep /file /proc/mounts; busybox test "$TOKEN" = "$(busybox cat /file)"'));
    const done = await store.slipway([...BUILD, '--provenance=mode=max', '-o', `type=oci,dest=${join(store.root, 'image.tar')}`, context], {
      env,
    });
    assert.equal(done.exitCode, 0, done.stderr);
    assert.match(done.stderr, /\/file \S+ ro,nosuid,nodev,noexec,/);
    assert.deepEqual(found(SECRET, PROXY), [], 'after the build');
    assert.ok(!done.stderr.includes(SECRET) && !done.stderr.includes(PROXY), done.stderr);

    writeFileSync(join(context, 'Dockerfile'), FILE('busybox echo "it runs $((40 + 2))"; busybox sleep 1000'));
    const build = store.start([...BUILD, context], { env });
    t.after(() => build.kill('SIGKILL'));
    const ended = new Promise((resolve) => build.on('close', resolve));
    let output = '';
    for await (const chunk of build.stderr!) {
      output += String(chunk);
      if (output.includes('it runs 42')) break;
    }
    assert.match(output, /it runs 42/);
    assert.deepEqual(found(SECRET), [], 'while the step runs');
    build.kill('SIGKILL');
    await ended;
    assert.deepEqual(found(SECRET), [], 'after SIGKILL');
  });
}
