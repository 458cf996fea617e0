// `info`: Docker's fields in Docker's order, but for those that mean nothing without a daemon.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const folder = mkdtempSync('/dev/shm/slipway-info-');
const root = join(folder, 'root');
const env = { ...process.env, HOME: folder, SLIPWAY_ROOT: root, SLIPWAY_RUN: join(folder, 'run'), SLIPWAY_SOURCES: '1' };
const line = new CommandLine({ env: { ...env, HTTP_PROXY: 'http://me:secret@proxy:3128', http_proxy: undefined }, cwd: folder });
after(() => removeTree(folder));

/** Of `docker info --format json`, version 28.5. */
const DOCKER = `ID Containers ContainersRunning ContainersPaused ContainersStopped Images Driver DriverStatus Plugins MemoryLimit SwapLimit
KernelMemoryTCP CpuCfsPeriod CpuCfsQuota CPUShares CPUSet PidsLimit IPv4Forwarding Debug NFd OomKillDisable NGoroutines SystemTime LoggingDriver
CgroupDriver CgroupVersion NEventsListener KernelVersion OperatingSystem OSVersion OSType Architecture IndexServerAddress RegistryConfig NCPU
MemTotal GenericResources DockerRootDir HttpProxy HttpsProxy NoProxy Name Labels ExperimentalBuild ServerVersion Runtimes DefaultRuntime Swarm
LiveRestoreEnabled Isolation InitBinary ContainerdCommit RuncCommit InitCommit SecurityOptions FirewallBackend CDISpecDirs Containerd Warnings
ClientInfo`.split(/\s+/);

const LEFT_OUT: Readonly<Record<string, string>> = {
  KernelMemoryTCP: 'gone from the kernel',
  OomKillDisable: 'cgroup v1 alone has it, and it is refused',
  NFd: 'of a daemon',
  NGoroutines: 'of a daemon',
  NEventsListener: 'of a daemon',
  OSVersion: 'of Windows',
  Isolation: 'of Windows',
  GenericResources: 'of a swarm',
  InitBinary: 'looked for when --init asks for it',
  ContainerdCommit: 'there is no containerd',
  Containerd: 'there is no containerd',
  RuncCommit: 'the runtime is not asked for more than its name',
  InitCommit: 'looked for when --init asks for it',
  FirewallBackend: 'there is one',
  CDISpecDirs: 'devices are not found by CDI',
};

const info = async (...args: string[]): Promise<string> => line.ok('info', ...args);

test('fields and their order', async () => {
  const fields = Object.keys(JSON.parse(await info('--format', 'json')) as object);
  assert.deepEqual(
    fields,
    DOCKER.filter((name) => !Object.hasOwn(LEFT_OUT, name)),
  );
  for (const name of Object.keys(LEFT_OUT)) assert.ok(DOCKER.includes(name), name);
});

test('templates', async () => {
  assert.equal(await info('-f', '{{.OSType}} {{.Images}} {{.DockerRootDir}}'), `linux 0 ${root}\n`);
  assert.equal(await info('-f', '{{.Swarm.LocalNodeState}} {{json .Plugins.Volume}}'), 'inactive ["local"]\n');
  assert.match((await line.run(['info', '-f', '{{.Foo}}'])).stderr, /^error: template parsing error: /);
});

test('the ID is that of the store, whoever asks', async () => {
  const id = await info('-f', '{{.ID}}');
  assert.match(id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
  assert.equal(await info('-f', '{{.ID}}'), id);
  const other = await line.run(['info', '-f', '{{.ID}}'], { env: { SLIPWAY_ROOT: join(folder, 'other') } });
  assert.notEqual(other.stdout, id);
});

test('the text has Docker’s lines, and no password', async () => {
  const text = await line.ok('system', 'info');
  for (const one of [
    /^ Storage Driver: \w+$/m,
    /^  seccomp\n   Profile: builtin$/m,
    /^ Total Memory: [\d.]+GiB$/m,
    /^ Cgroup Version: [12]$/m,
  ])
    assert.match(text, one);
  assert.match(text, /^ HTTP Proxy: http:\/\/xxxxx:xxxxx@proxy:3128$/m);
  assert.doesNotMatch(await info('--format', 'json'), /secret/);
  assert.match(text, /^ Insecure Registries:\n  ::1\/128\n  127\.0\.0\.0\/8$/m);
});
