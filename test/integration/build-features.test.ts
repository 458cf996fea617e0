// What `# slipway:features` allows, and limits of steps by the flags of `build`.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop, Shop } from '../support/shop.ts';

const shop = openShop('features');
const context = join(shop.folder, 'project');
before(async () => {
  await shop.makeImages();
  mkdirSync(context);
});
after(() => shop.close());

const write = (text: string): void => writeFileSync(join(context, 'Dockerfile'), text);
const build = async (text: string, ...args: string[]): Promise<string> => {
  write(text);
  return (await shop.ok('build', '--progress', 'plain', '--network', 'none', '-t', 'made', ...args, context)).stderr;
};
const fails = async (text: string, ...args: string[]): Promise<string> => {
  write(text);
  const { status, stderr } = await shop.run('build', '--progress', 'plain', '--network', 'none', ...args, context);
  assert.notEqual(status, 0);
  return stderr;
};
const cat = async (path: string): Promise<string> => (await shop.ok('run', '--rm', '--network', 'none', 'made', 'cat', path)).stdout;

test('without the line, or for another feature, the syntax is refused; a feature that there is not, too', async () => {
  const refused = await fails('FROM busybox\nRUN --retry=3 true\n');
  assert.match(refused, /unknown flag: --retry/);
  assert.match(refused, /hint: .*# slipway:features=retry$/m);
  assert.match(await fails('# slipway:features=no-cache\nFROM busybox\nRUN --retry=3 true\n'), /unknown flag: --retry/);
  assert.match(await fails('FROM busybox\n# slipway:features=retry\nRUN --retry=3 true\n'), /unknown flag: --retry/);
  assert.match(
    await fails('FROM busybox AS a\nARG X=a\nFROM busybox\nCOPY --from=$X /x /x\n'),
    /variable expansion is not supported for --from/,
  );
  const unknown = await fails('# slipway:features=retries\nFROM busybox\n');
  assert.match(unknown, /unknown feature "retries"/);
  assert.match(unknown, /features of this version: include, limits, no-cache, retry, variables/);
  const classic = new Shop(shop.folder, { ...shop.env, DOCKER_BUILDKIT: '0' });
  write('# slipway:features=retry\nFROM busybox\nRUN --retry=3 true\n');
  assert.match((await classic.run('build', context)).stderr, /unknown flag: --retry|requires BuildKit/i);
});

test('RUN --no-cache runs each time, and only what reads what is new runs with it', async () => {
  const text =
    '# escape=\\\n\n# slipway:features=no-cache , retry\nFROM busybox AS a\nRUN --no-cache cat /proc/sys/kernel/random/uuid > /id; echo same > /same\nFROM busybox\nCOPY --from=a /same /same\nCOPY --from=a /id /id\nRUN cat /same > /copy\n';
  await build(text);
  const id = await cat('/id');
  const again = await build(text);
  assert.notEqual(await cat('/id'), id);
  assert.match(again, /CACHED/);
  assert.match(again, /\[a 2\/2\] RUN --no-cache[^]*DONE/);
});

test('RUN --retry tries again on the files that it began with, and no more often than it says', async () => {
  const script = 'n=$(cat /c/n 2>/dev/null || echo 0); echo $((n+1)) > /c/n; test ! -e /mark || exit 9; touch /mark; test $n -ge 2';
  const text = (retries: number, id: string): string =>
    `# slipway:features=retry\nFROM busybox\nRUN --retry=${retries} --mount=type=cache,id=${id},target=/c ${script}\nRUN --mount=type=cache,id=${id},target=/c cp /c/n /n\n`;
  const output = await build(text(5, 'first'));
  assert.match(output, /attempt 1 of 6 failed: process .* did not complete successfully: exit code: 1\n/);
  assert.match(output, /attempt 2 of 6 failed/);
  assert.doesNotMatch(output, /attempt 3 of 6/);
  assert.equal(await cat('/n'), '3\n');
  const failed = await fails(text(1, 'second'));
  assert.match(failed, /attempt 1 of 2 failed/);
  assert.match(failed, /ERROR: .*exit code: 1/);
  assert.match(await fails('# slipway:features=retry\nFROM busybox\nRUN --retry=-1 true\n'), /invalid number of retries "-1"/);
  assert.match(await fails('# slipway:features=retry\nFROM busybox\nRUN --retry=1000 true\n'), /invalid number of retries "1000"/);
});

test('limits of a step and of all steps, by either engine', async (t) => {
  if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) return t.skip('the legacy hierarchy is not here');
  const show = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes > /memory; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us > /cpu';
  await build(`# slipway:features=limits\nFROM busybox\nRUN --memory=64m --cpus=0.5 ${show}\n`);
  assert.deepEqual([await cat('/memory'), await cat('/cpu')], [`${64 << 20}\n`, '50000\n']);
  await build(`# slipway:features=limits\nFROM busybox\nRUN --memory=32m ${show}; echo own\n`, '-m', '128m', '--cpus', '0.25');
  assert.deepEqual([await cat('/memory'), await cat('/cpu')], [`${32 << 20}\n`, '25000\n']);
  assert.match(
    await build(`# slipway:features=limits\nFROM busybox\nRUN --memory=32m ${show}; echo own\n`),
    /CACHED/,
    'limits are no part of what a step is',
  );
  const classic = new Shop(shop.folder, { ...shop.env, DOCKER_BUILDKIT: '0' });
  write(`FROM busybox\nRUN ${show}; echo classic\n`);
  await classic.ok('build', '-q', '-m', '48m', '--cpu-quota', '30000', '-t', 'made', context);
  assert.deepEqual([await cat('/memory'), await cat('/cpu')], [`${48 << 20}\n`, '30000\n']);
  const killed = await fails('FROM busybox\nRUN x=x; while :; do x=$x$x; done\n', '-m', '8m', '--memory-swap', '8m');
  assert.match(killed, /exit code: 137/);
  assert.match(killed, /hint: the step may not use more memory: --memory limits it/);
  assert.match(await fails('FROM busybox\nRUN true\n', '-m', '1m'), /Minimum memory limit allowed is 6MB/);
  assert.match(await fails('# slipway:features=limits\nFROM busybox\nRUN --cpus=none true\n'), /invalid number of processors "none"/);
});

test('variables in COPY --from and in from= of mounts', async () => {
  const text = `# slipway:features=variables
ARG FLAVOR=plain
FROM busybox AS plain
RUN echo plain > /x
FROM busybox AS fancy
RUN echo fancy > /x
FROM busybox
ARG FLAVOR
COPY --from=$FLAVOR /x /copied
RUN --mount=type=bind,from=\${FLAVOR},target=/m cp /m/x /mounted
`;
  const output = await build(text);
  assert.deepEqual([await cat('/copied'), await cat('/mounted')], ['plain\n', 'plain\n']);
  assert.doesNotMatch(output, /echo fancy/, 'only the stage that is meant is built');
  await build(text, '--build-arg', 'FLAVOR=fancy');
  assert.deepEqual([await cat('/copied'), await cat('/mounted')], ['fancy\n', 'fancy\n']);
  const check = await shop.run('build', '--check', context);
  assert.match(check.stdout, /NonPortableSyntax.*\nCOPY --from=\$FLAVOR is understood by Slipway alone/);
});
