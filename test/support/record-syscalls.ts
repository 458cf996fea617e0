// Records what a real Docker Engine lets containers and build steps ask of the kernel, for test/integration/isolation-syscalls.test.ts:
//   node test/support/record-syscalls.ts > test/integration/syscalls.json
// `docker` has to be in PATH, with an engine behind it. It removes the image that it makes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VARIANTS, probeProgram, verdicts } from './syscall-probe.ts';

const IMAGE = 'slipway-syscall-probe';

function docker(...args: string[]): string {
  const ended = spawnSync('docker', args, { encoding: 'utf8', env: { ...process.env, DOCKER_BUILDKIT: '1' } });
  if (ended.status !== 0) throw new Error(`docker ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout + ended.stderr;
}

const folder = mkdtempSync(join(tmpdir(), 'slipway-syscalls-'));
try {
  writeFileSync(join(folder, 'probe'), probeProgram(), { mode: 0o755 });
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY probe /\nRUN ["/probe"]\n');
  const built = docker('build', '--progress', 'plain', '--no-cache', '-t', IMAGE, folder);
  const table: Record<string, unknown> = { RUN: verdicts(built) };
  for (const [name, flags] of Object.entries(VARIANTS)) table[name] = verdicts(docker('run', '--rm', ...flags, IMAGE, '/probe'));
  docker('rmi', IMAGE);
  process.stdout.write(`${JSON.stringify(table, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
