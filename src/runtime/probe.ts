// Which runtime really runs containers here, under a seccomp filter. A version number does not say (cgroup layouts, kernels,
// build options and missing privileges matter), so each is made to run the smallest program there is. The answer holds until
// the next boot, and for the same programs only.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { MountFlag, UmountFlag, findExecutable, mount, unmount, writeFileAtomic } from '../sys/index.ts';
import { callRuntime, lastError } from './binary.ts';
import type { RuntimeBinary, RuntimeName } from './binary.ts';
import { runAttached } from './foreground.ts';
import { cgroupMode } from './spec/cgroup.ts';
import { writeBundle } from './spec/encode.ts';
import type { OciSpec, Seccomp } from './spec/oci.ts';
import { defaultSeccomp } from './spec/seccomp-default.ts';
import { withCleanup } from '../util/index.ts';

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
      const { exitCode, message } = await withProbe(o.stateRoot, (bundle) => runProbe(binary, bundle, { seccomp }, o.signal));
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

/** What the filter made of `seccomp` by crun itself is: created, read from its state, deleted. undefined when it keeps none. */
export async function compileFilter(binary: RuntimeBinary, seccomp: Seccomp): Promise<Buffer | undefined> {
  return withProbe(binary.stateRoot, async (bundle) => {
    const id = probeId(bundle);
    writeBundle(bundle, probeSpec(bundle, { seccomp }));
    try {
      // The created process keeps its standard streams: pipes to us would never end.
      const created = await runAttached(binary, ['create', '--bundle', bundle, id], {});
      if (created.exitCode !== 0) return undefined;
      return readFileSync(join(binary.stateRoot, binary.name, id, 'seccomp.bpf'));
    } catch {
      return undefined;
    } finally {
      await callRuntime(binary, ['delete', '--force', id]);
    }
  });
}

/** Whether a process started with these annotations is under a filter: asked of the kernel by a process started so. */
export async function isFiltered(binary: RuntimeBinary, annotations: Record<string, string>): Promise<boolean> {
  return withProbe(binary.stateRoot, async (bundle) => (await runProbe(binary, bundle, { annotations })).exitCode === SECCOMP_MODE_FILTER);
}

async function runProbe(
  binary: RuntimeBinary,
  bundle: string,
  o: ProbeOptions,
  signal?: AbortSignal,
): Promise<{ exitCode: number; message: string }> {
  writeBundle(bundle, probeSpec(bundle, o));
  const log = join(bundle, 'log');
  const result = await callRuntime(binary, ['--log', log, '--log-format', 'json', 'run', '--bundle', bundle, probeId(bundle)], signal);
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
async function withProbe<T>(stateRoot: string, use: (bundle: string) => Promise<T>): Promise<T> {
  mkdirSync(stateRoot, { recursive: true, mode: 0o700 });
  const bundle = mkdtempSync(join(stateRoot, 'probe-'));
  mount('tmpfs', bundle, 'tmpfs', MountFlag.MS_NOSUID, 'size=1m,mode=0711');
  const work = (): Promise<T> => {
    mkdirSync(join(bundle, 'rootfs', 'proc'), { recursive: true });
    mkdirSync(join(bundle, 'rootfs', 'dev'));
    writeFileSync(join(bundle, 'rootfs', 'probe'), probeProgram());
    chmodSync(join(bundle, 'rootfs', 'probe'), 0o755);
    return use(bundle);
  };
  return await withCleanup(
    work,
    () => unmount(bundle, UmountFlag.MNT_DETACH),
    () => rmSync(bundle, { recursive: true, force: true }),
  );
}

function probeId(bundle: string): string {
  return `slipway-${bundle.slice(bundle.lastIndexOf('/') + 1)}`;
}

interface ProbeOptions {
  readonly seccomp?: Seccomp;
  readonly annotations?: Record<string, string>;
}

function probeSpec(bundle: string, o: ProbeOptions): OciSpec {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/probe'], env: [], cwd: '/' },
    root: { path: join(bundle, 'rootfs') },
    hostname: 'probe',
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }],
    ...(o.annotations === undefined ? {} : { annotations: o.annotations }),
    linux: {
      cgroupsPath: `/${probeId(bundle)}`,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'uts' }, { type: 'pid' }, { type: 'ipc' }],
      ...(o.seccomp === undefined ? {} : { seccomp: o.seccomp }),
    },
  };
}

/** prctl(2): the answer of PR_GET_SECCOMP for a process under a filter. */
const SECCOMP_MODE_FILTER = 2;

/** `exit(prctl(PR_GET_SECCOMP))` in machine code: 0 without a filter. */
const CODE: Readonly<Record<string, { readonly machine: number; readonly bytes: readonly number[] }>> = {
  x64: {
    machine: 62,
    // mov edi, 21; mov eax, 157; syscall; mov edi, eax; mov eax, 60; syscall
    bytes: [0xbf, 21, 0, 0, 0, 0xb8, 157, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05],
  },
  arm64: {
    machine: 183,
    // mov x0, #21; mov x8, #167; svc #0; mov x8, #93; svc #0
    bytes: [0xa0, 0x02, 0x80, 0xd2, 0xe8, 0x14, 0x80, 0xd2, 0x01, 0, 0, 0xd4, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
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
