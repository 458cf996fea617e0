// `build --test`: stages marked as tests run in one graph, each to its end; the image is built only if all pass.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop } from '../support/shop.ts';

const shop = openShop('test-stages');
const dir = join(shop.folder, 'app');
const DOCKERFILE = `FROM busybox AS build
RUN echo built > /out
# What follows is no test: a comment
FROM build AS other
RUN exit 1
# test: unit
FROM build AS unit
RUN echo fine; grep -q built /out
# test: lint
FROM build
ARG LINT=1
RUN for i in 1 2 3; do echo "line $i is wrong"; done; exit $LINT
RUN echo never
# test:
FROM build AS size
RUN test $(wc -c < /out) -lt 100
FROM busybox
COPY --from=build /out /
CMD ["cat", "/out"]
`;
before(async () => {
  await shop.makeImages();
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE);
});
after(() => shop.close());

const names = async (): Promise<string> => (await shop.ok('images', '--format', '{{.Repository}}')).stdout;

test('one that fails stops neither the others nor goes unseen, and nothing is built', async () => {
  const report = join(shop.folder, 'report.xml');
  const { status, stdout, stderr } = await shop.run('build', '--test', '--test-output', report, '--progress', 'plain', '-t', 'tested', dir);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(
    stderr.replaceAll(/ {2}\d+\.\d s$/gm, ''),
    new RegExp(
      [
        '^ok {4}unit$',
        '^FAIL {2}lint$',
        '^ {6}process ".*" did not complete successfully: exit code: 1$',
        '^ {6}line 1 is wrong$',
        '^ {6}line 2 is wrong$',
        '^ {6}line 3 is wrong$',
        '^ok {4}size$',
        '^1 of 3 tests failed$',
      ].join('\\n'),
      'm',
    ),
  );
  assert.equal(stderr.match(/RUN echo built/g)?.length, 1, 'what all need runs once');
  assert.doesNotMatch(stderr, /other|never|exporting/);
  assert.doesNotMatch(await names(), /tested/);
  const xml = readFileSync(report, 'utf8');
  assert.match(xml, /^ {2}<testsuite name="app" tests="3" failures="1" errors="0" time="[\d.]+">$/m);
  assert.match(xml, /<testcase name="unit" classname="app\.stage" time="[\d.]+"\/>/);
  assert.match(xml, /line 3 is wrong<\/failure>/);
});

test('when all pass, the image is built, of the same steps', async () => {
  const { stdout, stderr } = await shop.ok('build', '--test', '--build-arg', 'LINT=0', '-q', '-t', 'tested', dir);
  assert.match(stderr, /ok {4}unit\nok {4}lint\nok {4}size\n3 tests passed\n$/);
  assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.equal((await shop.ok('run', '--rm', '--network', 'none', 'tested')).stdout, 'built\n');
});

test('tests alone; by a worker; without the cache', async () => {
  const only = await shop.ok('build', '--test=only', '--build-arg', 'LINT=0', '--progress', 'plain', '-t', 'never', dir);
  assert.match(only.stderr, /CACHED/);
  assert.match(only.stderr, /3 tests passed\n$/);
  assert.doesNotMatch(await names(), /never/);
  const worker = await shop.with({ SLIPWAY_WORKER: '1' }).ok('build', '--test=only', '--build-arg', 'LINT=0', '--no-cache', dir);
  assert.match(worker.stderr, /3 tests passed\n$/);
  assert.equal(worker.stderr.match(/\] RUN echo built/g)?.length, 1);
});

test('what is asked for wrongly', async () => {
  const plain = join(shop.folder, 'plain');
  mkdirSync(plain);
  writeFileSync(join(plain, 'Dockerfile'), 'FROM busybox\n');
  const none = await shop.run('build', '--test', plain);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /no stage of Dockerfile is a test[^]*"# test: NAME" right above the FROM/);
  const elsewhere = await shop.run('build', '--test', '--builder', 'unix:///nowhere.sock', dir);
  assert.match(elsewhere.stderr, /tests run on this machine, and not on a builder elsewhere/);
  const word = await shop.run('build', '--test=last', plain);
  assert.match(word.stderr, /invalid argument "last" for "--test": first or only/);
  assert.equal(word.status, 125);
  assert.match((await shop.run('build', '--test-output', 'x', plain)).stderr, /--test-output without --test/);
  assert.match((await shop.with({ DOCKER_BUILDKIT: '0' }).run('build', '--test', plain)).stderr, /--test option requires BuildKit/);
});
