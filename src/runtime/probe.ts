// Which runtime really runs containers here, under a seccomp filter. A version number does not say (cgroup layouts, kernels,
// build options and missing privileges matter), so each is made to run the smallest program there is. The answer holds until
// the next boot, and for the same programs only.
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { MountFlag, UmountFlag, findExecutable, mount, unmount, writeFileAtomic } from '../sys/index.ts';
import { callRuntime, lastError, spawnRuntime, stateFolder } from './binary.ts';
import type { RuntimeBinary, RuntimeName } from './binary.ts';
import { groupName } from './control-groups.ts';
import { scratchFolder } from './scratch.ts';
import { cgroupMode } from './spec/cgroup.ts';
import { writeBundle } from './spec/encode.ts';
import type { OciSpec, Seccomp } from './spec/oci.ts';
import { defaultSeccomp } from './spec/seccomp-default.ts';
import { crashPoint, randomId, withCleanup } from '../util/index.ts';

const RUNTIMES: readonly RuntimeName[] = ['crun', 'runc'];

export interface FindOptions {
  /** A folder on a file system that does not outlive the machine's uptime. */
  readonly stateRoot: string;
  /** Take this one or none. */
  readonly preferred?: string;
  readonly signal?: AbortSignal;
}

/** Throws failed-precondition 'runtime.missing' or 'runtime.none-works'. */
export async function findRuntime(o: FindOptions): Promise<RuntimeBinary> {
  const candidates = RUNTIMES.filter((name) => o.preferred === undefined || o.preferred === name).flatMap((name) => {
    const path = findExecutable(name);
    return path === undefined ? [] : [{ name, path, identity: fileIdentity(path) }];
  });
  const wanted = o.preferred ?? RUNTIMES.join(' or ');
  if (candidates.length === 0) {
    throw new SlipwayError('failed-precondition', 'runtime.missing', `no OCI runtime: ${wanted} is not installed`, {
      hints: ['install the package crun (or runc)'],
    });
  }
  const cache = join(o.stateRoot, `found-${o.preferred ?? 'any'}.json`);
  const key = cacheKey(candidates);
  const known = readCache(cache, key);
  const same = candidates.find(({ name }) => name === known?.name);
  if (known !== undefined && same !== undefined) return { ...same, cgroups: known.cgroups, stateRoot: o.stateRoot };
  const complaints: string[] = [];
  for (const candidate of candidates) {
    for (const cgroups of candidate.name === 'crun' && cgroupMode() !== 'none' ? [true, false] : [candidate.name === 'runc']) {
      const binary = { ...candidate, cgroups, stateRoot: o.stateRoot };
      const seccomp = defaultSeccomp(new Set(), process.arch);
      const { exitCode, message } = await withProbe(o.stateRoot, (probe) => runProbe(binary, probe, { seccomp }, o.signal));
      if (exitCode === SECCOMP_MODE_FILTER) {
        writeFileAtomic(cache, JSON.stringify({ key, name: binary.name, cgroups }), { mode: 0o600 });
        return binary;
      }
      complaints.push(`${candidate.name}: ${exitCode === 0 ? 'it runs containers without a seccomp filter' : message}`);
    }
  }
  throw new SlipwayError('failed-precondition', 'runtime.none-works', `no OCI runtime works on this machine (${complaints.join('; ')})`, {
    hints: ['containers need root with the right to mount and to make namespaces; inside a container, start it with --privileged'],
  });
}

function cacheKey(candidates: readonly { identity: string }[]): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return [boot, cgroupMode(), 'filtered', ...candidates.map(({ identity }) => identity)].join('|');
}

/** The file's change time too: its other times can be set by a package manager to those of an older version. */
function fileIdentity(path: string): string {
  const { mtimeMs, ctimeMs, size, ino, dev } = statSync(path);
  return [path, mtimeMs, ctimeMs, size, ino, dev].join(':');
}

function readCache(path: string, key: string): { name: RuntimeName; cgroups: boolean } | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { key: string; name: RuntimeName; cgroups: boolean };
    return found.key === key ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What crun itself compiles a profile to: read from its files while a container runs under it. undefined when it keeps none. The container
 * ends with its input, and so with this process, in whatever way that ends.
 */
export async function compileFilter(binary: RuntimeBinary, seccomp: Seccomp): Promise<Buffer | undefined> {
  return withProbe(binary.stateRoot, async (probe) => {
    writeBundle(probe.bundle, probeSpec(binary, probe, { seccomp }));
    const child = spawnRuntime(binary, ['run', '--bundle', probe.bundle, probe.id], ['pipe', 'pipe', 'ignore']);
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) return undefined;
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    let filter: Buffer | undefined;
    stdin.on('error', () => {}); // it has ended
    stdout.once('data', () => {
      try {
        filter = readFileSync(join(stateFolder(binary), probe.id, 'seccomp.bpf'));
      } catch {
        // another version of crun
      }
      crashPoint('runtime.filter-created');
      stdin.end();
    });
    child.once('error', () => resolve(undefined));
    child.once('close', () => resolve(filter));
    return promise;
  });
}

/** Whether a process started with these annotations is under a filter: asked of the kernel by a process started so. */
export async function isFiltered(binary: RuntimeBinary, annotations: Record<string, string>): Promise<boolean> {
  return withProbe(binary.stateRoot, async (probe) => (await runProbe(binary, probe, { annotations })).exitCode === SECCOMP_MODE_FILTER);
}

async function runProbe(
  binary: RuntimeBinary,
  probe: Probe,
  o: ProbeOptions,
  signal?: AbortSignal,
): Promise<{ exitCode: number; message: string }> {
  const { bundle, id } = probe;
  writeBundle(bundle, probeSpec(binary, probe, o));
  const log = join(bundle, 'log');
  const result = await callRuntime(binary, ['--log', log, '--log-format', 'json', 'run', '--bundle', bundle, id], signal);
  if (result.exitCode === 0) return { exitCode: 0, message: '' };
  let message: string | undefined;
  try {
    message = lastError(readFileSync(log, 'utf8'));
  } catch {
    // It may have failed before it opened its log; then its standard error has the reason.
  }
  return { exitCode: result.exitCode, message: message ?? (result.stderr.trim() || `exit code ${result.exitCode}`) };
}

/** A bundle on a file system from which programs may be run (/run is often mounted noexec), gone afterwards. */
async function withProbe<T>(stateRoot: string, use: (probe: Probe) => Promise<T>): Promise<T> {
  const id = randomId();
  const bundle = scratchFolder(stateRoot, id);
  mount('tmpfs', bundle, 'tmpfs', MountFlag.MS_NOSUID, 'size=1m,mode=0711');
  const work = (): Promise<T> => {
    mkdirSync(join(bundle, 'rootfs', 'proc'), { recursive: true });
    mkdirSync(join(bundle, 'rootfs', 'dev'));
    writeFileSync(join(bundle, 'rootfs', 'probe'), probeProgram());
    chmodSync(join(bundle, 'rootfs', 'probe'), 0o755);
    return use({ id, bundle });
  };
  return await withCleanup(
    work,
    () => unmount(bundle, UmountFlag.MNT_DETACH),
    () => rmSync(bundle, { recursive: true, force: true }),
  );
}

interface Probe {
  readonly id: string;
  readonly bundle: string;
}

interface ProbeOptions {
  readonly seccomp?: Seccomp;
  readonly annotations?: Record<string, string>;
}

function probeSpec({ stateRoot }: RuntimeBinary, { id, bundle }: Probe, o: ProbeOptions): OciSpec {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/probe'], env: [], cwd: '/' },
    root: { path: join(bundle, 'rootfs') },
    hostname: 'probe',
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }],
    ...(o.annotations === undefined ? {} : { annotations: o.annotations }),
    linux: {
      cgroupsPath: `/${groupName(stateRoot, id)}`,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'uts' }, { type: 'pid' }, { type: 'ipc' }],
      ...(o.seccomp === undefined ? {} : { seccomp: o.seccomp }),
    },
  };
}

/** prctl(2): the answer of PR_GET_SECCOMP for a process under a filter. */
const SECCOMP_MODE_FILTER = 2;

/** `write(1, sp, 1); read(0, sp, 1); exit(prctl(PR_GET_SECCOMP))` in machine code: it says that it runs, waits for the end of its input, exits with 0 without a filter. */
const CODE: Readonly<Record<string, { readonly machine: number; readonly bytes: readonly number[] }>> = {
  x64: {
    machine: 62,
    // prettier-ignore
    bytes: [
      0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, // mov eax, 1; mov edi, 1
      0x48, 0x89, 0xe6, 0xba, 1, 0, 0, 0, 0x0f, 0x05, // mov rsi, rsp; mov edx, 1; syscall
      0x31, 0xc0, 0x31, 0xff, 0x0f, 0x05, // xor eax, eax; xor edi, edi; syscall
      0xbf, 21, 0, 0, 0, 0xb8, 157, 0, 0, 0, 0x0f, 0x05, // mov edi, 21; mov eax, 157; syscall
      0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05, // mov edi, eax; mov eax, 60; syscall
    ],
  },
  arm64: {
    machine: 183,
    // prettier-ignore
    bytes: [
      0x20, 0, 0x80, 0xd2, 0xe1, 0x03, 0, 0x91, // mov x0, #1; mov x1, sp
      0x22, 0, 0x80, 0xd2, 0x08, 0x08, 0x80, 0xd2, 0x01, 0, 0, 0xd4, // mov x2, #1; mov x8, #64; svc #0
      0, 0, 0x80, 0xd2, 0xe8, 0x07, 0x80, 0xd2, 0x01, 0, 0, 0xd4, // mov x0, #0; mov x8, #63; svc #0
      0xa0, 0x02, 0x80, 0xd2, 0xe8, 0x14, 0x80, 0xd2, 0x01, 0, 0, 0xd4, // mov x0, #21; mov x8, #167; svc #0
      0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4, // mov x8, #93; svc #0
    ],
  },
};

/** An ELF file of a header, one program header and the code (elf(5)). */
function probeProgram(): Buffer {
  const code = CODE[process.arch];
  if (code === undefined) throw new SlipwayError('unsupported', 'runtime.architecture', `containers are not supported on ${process.arch}`);
  const base = 0x400000n;
  const headers = 64 + 56;
  const file = Buffer.alloc(headers + code.bytes.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0); // 64 bit, little endian, version 1
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(code.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headers), 24); // entry
  file.writeBigUInt64LE(64n, 32); // where the program header is
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // readable, executable
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  file.set(code.bytes, headers);
  return file;
}
