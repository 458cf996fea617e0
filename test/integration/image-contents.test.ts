// `image size`, `image lean` and `image tree` on images that were built here.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ImageSize, ImageTreeNode, Leanness } from '../../src/engine/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const folder = mkdtempSync('/dev/shm/slipway-contents-');
const line = new CommandLine({
  env: { PATH: process.env['PATH'], HOME: folder, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run') },
  cwd: folder,
});

const DOCKERFILE = `FROM busybox AS build
WORKDIR /src
COPY . .
RUN mkdir -p /root/.cache/go-build && head -c 5000 /src/large > /root/.cache/go-build/x && cp /src/large /program
FROM busybox AS fat
COPY --from=build /root/.cache /root/.cache
COPY --from=build /src /app
RUN rm /app/large
RUN mkdir -p /var/lib/apt/lists /usr/include && echo list > /var/lib/apt/lists/list && echo > /usr/include/stdio.h
FROM fat AS child
RUN echo more > /more
FROM busybox AS lean
COPY --from=build /program /program
`;

before(async () => {
  const context = join(folder, 'context');
  mkdirSync(join(context, 'tests'), { recursive: true });
  writeFileSync(join(context, 'large'), 'x'.repeat(100_000));
  writeFileSync(join(context, 'main_test.go'), 'y'.repeat(3000));
  writeFileSync(join(context, 'tests/copy'), 'y'.repeat(3000));
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  await line.ok('bootstrap', 'busybox');
  for (const target of ['fat', 'child', 'lean']) await line.ok('build', '-q', '--target', target, '-t', target, 'context');
});
after(() => removeTree(folder));

test('image size names the layers with their stages, and what is hidden, twice there or a cache', async () => {
  const size = JSON.parse(await line.ok('image', 'size', '--json', 'fat')) as ImageSize;
  assert.deepEqual(
    size.layers.map((l) => [l.base ?? l.stage, l.instruction.slice(0, 36), l.from]),
    [
      ['busybox:latest', '', undefined],
      ['fat', 'COPY --from=build /root/.cache /root', 'build'],
      ['fat', 'COPY --from=build /src /app', 'build'],
      ['fat', 'RUN rm /app/large', undefined],
      ['fat', 'RUN mkdir -p /var/lib/apt/lists /usr', undefined],
    ],
  );
  assert.equal(size.hiddenBytes, 100_000);
  assert.deepEqual(size.hidden, [{ ...size.hidden[0], path: '/app/large', layer: 2, by: 3, how: 'deleted' }]);
  assert.equal(size.size - size.visible, 100_000);
  assert.deepEqual(
    size.duplicates.map((d) => [d.size, [...d.paths].sort()]),
    [[3000, ['/app/main_test.go', '/app/tests/copy']]],
  );
  assert.deepEqual(
    size.caches.map((c) => [c.what, c.size, c.layer]),
    [
      ['build cache of Go', 5000, 1],
      ['package lists of apt', 5, 4],
    ],
  );
  const text = await line.ok('image', 'size', '--top', '1', 'fat');
  assert.match(text, /^fat: 2\.1MB in 5 layers\n\nLAYER +SIZE +SHARE +FILES +FROM +INSTRUCTION\n1 /);
  assert.match(text, /sent all the same: 100kB\n\n100kB +\/app\/large +layer 3, deleted by layer 4\n/);
  assert.doesNotMatch(text, /█/);
});

test('image lean says in which stage it should have stayed', async () => {
  const found = JSON.parse(await line.ok('image', 'lean', '--json', 'fat')) as Leanness;
  assert.deepEqual(
    found.ballast.map((b) => [b.kind, b.what, b.size, b.belongs]),
    [
      ['tests', 'test files', 6000, 'build'],
      ['cache', 'build cache of Go', 5000, 'build'],
      ['cache', 'package lists of apt', 5, 'a cache mount'],
      ['headers', 'headers', 1, 'a build stage'],
    ],
  );
  assert.match(await line.ok('image', 'lean', 'fat'), /copy from build only what the program needs to run; saves 5kB/);
  assert.match(await line.ok('image', 'lean', 'lean'), /^lean carries nothing that only a build needs/);
});

test('image tree shows what stands on what', async () => {
  const shown = await line.ok('image', 'tree');
  assert.deepEqual(
    shown.split('\n').map((l) => l.split(/ {2,}/)[0]),
    ['IMAGE', 'busybox:latest', '├─ fat:latest', '│', '└─ lean:latest', ''],
  );
  const [busybox] = JSON.parse(await line.ok('image', 'tree', '--json')) as [ImageTreeNode];
  assert.deepEqual(
    busybox.children.map((c) => [c.names, c.layers, c.children.map((x) => x.names)]),
    [
      [['docker.io/library/fat:latest'], 4, [['docker.io/library/child:latest']]],
      [['docker.io/library/lean:latest'], 1, []],
    ],
  );
});

test('what is no image or no number is refused', async () => {
  const missing = await line.run(['image', 'size', 'nope']);
  assert.deepEqual([missing.status, /No such image: nope/i.test(missing.stderr)], [1, true]);
  assert.equal((await line.run(['image', 'size', '--top', '1.5', 'fat'])).status, 125);
});
