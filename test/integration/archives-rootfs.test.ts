// Root file systems: `import` makes an image of one, `export` writes one.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeTar, readTar } from '../../src/archive/testing.ts';
import { applyChanges, exportRootfs, importRootfs, openSink } from '../../src/image/index.ts';
import { sha256 } from '../../src/model/index.ts';
import { room, failsWith } from './archive-fixture.ts';

test('import makes an image of a root file system, and refuses what is none', async (t) => {
  const { images } = room(t);
  const rootfs = makeTar([{ path: 'bin/' }, { path: 'bin/sh', mode: 0o755, content: '#!' }]);
  const created = new Date(1_700_000_000_000);
  const changes = [
    'ENV A=1 B=2',
    'ENV A=$B',
    'CMD ["sh", "-c"]',
    'EXPOSE 80 90-91/udp',
    'WORKDIR /x',
    'WORKDIR y',
    'LABEL k="v w"',
    'USER 5',
  ];
  for (const bytes of [rootfs, gzipSync(rootfs), zstdCompressSync(rootfs)]) {
    const image = await importRootfs(images, Readable.from([bytes]), { created, changes, message: 'note', name: 'mine' });
    assert.deepEqual(image.config.rootfs.diff_ids, [sha256(rootfs)]);
    assert.deepEqual(image.config.config, {
      Env: ['A=2', 'B=2'],
      Cmd: ['sh', '-c'],
      ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {} },
      WorkingDir: '/x/y',
      Labels: { k: 'v w' },
      User: '5',
    });
    assert.deepEqual(image.config.history, [{ created: created.toISOString(), comment: 'note' }]);
    assert.deepEqual(image.names, ['docker.io/library/mine:latest']);
  }
  assert.throws(() => applyChanges({}, ['RUN true']), failsWith('change.invalid'));
  assert.throws(() => applyChanges({}, ['STOPSIGNAL nothing']), failsWith('stopsignal.invalid'));
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['ENTRYPOINT ["/x"]']), { Entrypoint: ['/x'], Cmd: null });
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['CMD a', 'ENTRYPOINT ["/x"]']), { Entrypoint: ['/x'], Cmd: ['/bin/sh', '-c', 'a'] });
  assert.deepEqual(applyChanges({ Cmd: ['sleep'] }, ['ENTRYPOINT []']).Cmd, ['sleep']);
  await assert.rejects(importRootfs(images, Readable.from([Buffer.from('no tar')]), { created }), failsWith('archive.not-a-tar'));
  await assert.rejects(importRootfs(images, Readable.from([rootfs.subarray(0, 1600)]), { created }), failsWith('archive.truncated'));
  await assert.rejects(
    importRootfs(images, Readable.from([rootfs]), { created, complete: Promise.reject(new Error('maker failed')) }),
    /maker failed/,
  );
  assert.deepEqual(fs.readdirSync(images.layout.ingest), []);
});

test('export writes the files of a directory', async (t) => {
  const { dir } = room(t);
  fs.mkdirSync(join(dir, 'fs/sub'), { recursive: true });
  fs.writeFileSync(join(dir, 'fs/sub/f'), 'content', { mode: 0o600 });
  await exportRootfs(join(dir, 'fs'), await openSink(join(dir, 'out.tar')));
  assert.deepEqual(
    readTar(fs.readFileSync(join(dir, 'out.tar'))).map((m) => [m.entry.path, m.entry.mode, m.content.toString()]),
    [
      ['sub/', 0o755, ''],
      ['sub/f', 0o600, 'content'],
    ],
  );
});
