// What containers and build steps may ask of the kernel, held against what was recorded in those of Docker
// (test/support/record-syscalls.ts), with both runtimes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { SLIPWAY, TestStore, scratch } from '../support/store.ts';
import { CALLS, VARIANTS, type Verdict, probeProgram, verdicts } from '../support/syscall-probe.ts';

const TABLE = JSON.parse(readFileSync(new URL('syscalls.json', import.meta.url), 'utf8')) as Record<string, Record<string, Verdict>>;

/** With an older libseccomp runc answers ENOSYS to recent calls, Docker's too: programs then fall back. */
const RECENT = new Set(CALLS.filter(([, number]) => number >= 450).map(([name]) => name));

function compare(what: string, output: string, expected: Record<string, Verdict>, runtime: string): void {
  const found = verdicts(output);
  const different = Object.entries(expected)
    .filter(([name, verdict]) => found[name] !== verdict)
    .filter(([name]) => !(found[name] === 'ENOSYS' && RECENT.has(name) && runtime === 'runc'))
    .map(([name, verdict]) => `${name}: ${found[name]} instead of ${verdict}`);
  assert.deepEqual(different, [], `${what} with ${runtime}`);
}

const store = new TestStore(scratch());
after(() => removeTree(store.folder));

for (const runtime of ['crun', 'runc']) {
  const env = { SLIPWAY_RUNTIME: runtime };

  test(`system calls are answered as in Docker (${runtime})`, { skip: process.arch !== 'x64' }, async () => {
    const context = join(store.folder, 'context');
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, 'probe'), probeProgram(), { mode: 0o755 });
    copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY probe busybox /\nRUN ["/probe"]\n');
    const build = ['build', '--network', 'none', '--no-cache', '--progress', 'plain', '-t', 'probe', context];
    const built = await store.slipway(build, { env });
    assert.equal(built.exitCode, 0, built.stderr);
    compare('RUN', built.stderr, TABLE['RUN']!, runtime);
    const classic = await store.slipway(build, { env: { ...env, DOCKER_BUILDKIT: '0' } });
    assert.equal(classic.exitCode, 0, classic.stderr);
    compare('RUN of the original engine', classic.stdout, TABLE['default']!, runtime);
    const variants = Object.entries(VARIANTS).filter(([name]) => runtime === 'crun' || name === 'default' || name === 'privileged');
    for (const [name, flags] of variants) {
      const output = await store.ok(['run', '--rm', '--network', 'none', ...flags, 'probe', '/probe'], { env });
      compare(`run ${name}`, output, TABLE[name]!, runtime);
    }
  });

  test(`a process of exec is under the filter of its container (${runtime})`, { skip: process.arch !== 'x64' }, async () => {
    await store.ok(['run', '-d', '--name', runtime, '--network', 'none', 'probe', '/busybox', 'sleep', '100'], { env });
    try {
      compare('exec', await store.ok(['exec', runtime, '/probe'], { env }), TABLE['default']!, runtime);
      for (const flags of ['--privileged', '--user=1'])
        assert.match(await store.ok(['exec', flags, runtime, '/busybox', 'cat', '/proc/self/status'], { env }), /^Seccomp:\t2$/m, flags);
    } finally {
      await store.ok(['rm', '-f', runtime], { env });
    }
  });
}

test('a runtime that would leave the filter out is not used, even where another was before', { skip: process.arch !== 'x64' }, async () => {
  const real = findExecutable('crun')!;
  const folder = join(store.folder, 'other');
  mkdirSync(folder);
  copyFileSync(real, join(folder, 'real'));
  const run = ['run', '--rm', '--network', 'none', 'probe', '/busybox', 'cat', '/proc/self/status'];
  /** With a crun in its place that does not know what the expression renames. */
  const without = (expression: string) => {
    const script = `#!/bin/sh
for word; do case $last in --bundle|-b) sed -i '${expression}' "$word/config.json";; esac; last=$word; done
exec ${folder}/real "$@"
`;
    writeFileSync(join(folder, 'crun'), script, { mode: 0o755 });
    const command = `mount --bind ${folder}/crun ${real} && exec "$@"`;
    const env = { ...store.env, SLIPWAY_RUNTIME: 'crun' };
    return spawnSync('unshare', ['-m', 'sh', '-c', command, 'sh', SLIPWAY, ...run], { env, encoding: 'utf8' });
  };
  const annotation = 's/run.oci.seccomp_bpf_data/unknown/';
  assert.match(await store.ok(run, { env: { SLIPWAY_RUNTIME: 'crun' } }), /^Seccomp:\t2$/m);
  assert.match(without(annotation).stdout, /^Seccomp:\t2$/m);
  const refused = without(`${annotation}; s/"seccomp":/"unknown":/`);
  assert.match(refused.stderr, /without a seccomp filter/);
  assert.equal(refused.status, 125);
});
