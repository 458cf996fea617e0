// Why a process cannot be started, in Docker's words and with its exit codes: runtimes have words of their own, or none.
import { closeSync, existsSync, readdirSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { openRegular, RootedTree, SYSTEM_PATH } from '../sys/index.ts';
import type { OciSpec } from './spec/oci.ts';

/**
 * Finds the program of the spec as the container would. Throws process-failed 'container.command-not-found' (exit code 127)
 * or 'container.command-not-executable' (126). Returns its path inside the container.
 */
export function resolveExecutable(spec: Pick<OciSpec, 'process' | 'root' | 'mounts'>): string {
  const { args, env, cwd } = spec.process;
  const name = args[0] ?? '';
  if (name.includes('/')) {
    const path = name.startsWith('/') ? name : join(cwd, name);
    const found = inspect(spec, path);
    if (found === 'missing') throw failure('not-found', name, `stat ${name}: no such file or directory`);
    if (found !== 'fine')
      throw failure('not-executable', name, found === 'directory' ? 'is a directory: permission denied' : 'permission denied');
    return path;
  }
  const searchPath = env.findLast((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? SYSTEM_PATH;
  let denied = false;
  for (const folder of searchPath.split(':')) {
    const path = join(folder.startsWith('/') ? folder : join(cwd, folder), name);
    const found = name === '' ? 'missing' : inspect(spec, path);
    if (found === 'fine') return path;
    denied ||= found === 'denied';
  }
  throw denied ? failure('not-executable', name, 'permission denied') : failure('not-found', name, 'executable file not found in $PATH');
}

/** e_machine of ELF (elf.h), with the names of platforms and of emulators. */
const MACHINES: Readonly<Record<number, { platform: string; emulator: string }>> = {
  3: { platform: '386', emulator: 'qemu-i386' },
  21: { platform: 'ppc64le', emulator: 'qemu-ppc64le' },
  22: { platform: 's390x', emulator: 'qemu-s390x' },
  40: { platform: 'arm', emulator: 'qemu-arm' },
  62: { platform: 'amd64', emulator: 'qemu-x86_64' },
  183: { platform: 'arm64', emulator: 'qemu-aarch64' },
  243: { platform: 'riscv64', emulator: 'qemu-riscv64' },
  258: { platform: 'loong64', emulator: 'qemu-loongarch64' },
};
const OURS: Readonly<Record<string, readonly number[]>> = { x64: [3, 62], arm64: [40, 183] };

/**
 * The platform of a spec's program when it is another than this machine's and nothing here emulates it (binfmt_misc of the
 * kernel's admin guide); undefined when the machine can run it, or it is no ELF file.
 */
export function foreignPlatform(spec: Pick<OciSpec, 'process' | 'root' | 'mounts'>): { platform: string; emulator: string } | undefined {
  const head = beginningOf(spec);
  if (head === undefined || !isElf(head)) return undefined;
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const found = MACHINES[machine];
  if (found === undefined || OURS[process.arch]?.includes(machine) || existsSync(`/proc/sys/fs/binfmt_misc/${found.emulator}`))
    return undefined;
  return found;
}

/**
 * Refuses a program that the kernel could not start: one that is of no format, or whose loader is missing: the dynamic loader of an ELF
 * file, or what stands behind #! of a script. What lies on a file system that is mounted later is left to the kernel.
 * @throws SlipwayError process-failed `container.command-not-startable`, with the exit code that Docker has for it
 */
export function refuseUnstartable(spec: Pick<OciSpec, 'process' | 'root' | 'mounts'>): void {
  const head = beginningOf(spec);
  if (head !== undefined && !isElf(head) && head.toString('latin1', 0, 2) !== '#!' && !hasOtherFormats())
    throw unstartable(spec, 'exec format error', ['it is neither a program nor a script that begins with #!']);
  const loader = head && (isElf(head) ? elfLoader(head) : /^#![ \t]*(\/[^ \t\r\n]*)\r?[ \t\n]/.exec(head.toString('latin1'))?.[1]);
  if (loader === undefined || !loader.startsWith('/')) return;
  if (spec.mounts.some((mount) => mount.type !== 'bind' && loader.startsWith(`${mount.destination}/`))) return;
  if (inspect(spec, loader) !== 'missing') return;
  const name = spec.process.args[0] ?? '';
  throw unstartable(spec, 'no such file or directory', [
    `${name} is there, but not ${loader}, which is needed to start it`,
    ...(isElf(head!) ? ['link it statically (for Go: CGO_ENABLED=0), or take a base image that has it'] : []),
  ]);
}

function unstartable(spec: Pick<OciSpec, 'process'>, why: string, hints: readonly string[]): SlipwayError {
  const message = `exec ${spec.process.args[0] ?? ''}: ${why}`;
  return new SlipwayError('process-failed', 'container.command-not-startable', message, { exitCode: 255, hints });
}

/** Whether the kernel was told of formats besides its own (binfmt_misc of its admin guide). */
function hasOtherFormats(): boolean {
  const folder = '/proc/sys/fs/binfmt_misc';
  return existsSync(folder) && readdirSync(folder).some((name) => name !== 'register' && name !== 'status');
}

const isElf = (head: Buffer): boolean => head.length >= 64 && head.toString('latin1', 0, 4) === '\x7fELF';

/** PT_INTERP of an ELF file (elf(5)); undefined when it has none, or not at its beginning. Of this machine's byte order only. */
function elfLoader(head: Buffer): string | undefined {
  const wide = head[4] === 2;
  if (head[5] !== 1 || head.length < 64) return undefined;
  const at = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const [size, count] = wide ? [head.readUInt16LE(54), head.readUInt16LE(56)] : [head.readUInt16LE(42), head.readUInt16LE(44)];
  for (let i = 0; i < count; i++) {
    const entry = at + i * size;
    if (entry + size > head.length || size < (wide ? 56 : 32)) return undefined;
    if (head.readUInt32LE(entry) !== PT_INTERP) continue;
    const offset = wide ? Number(head.readBigUInt64LE(entry + 8)) : head.readUInt32LE(entry + 4);
    const end = head.indexOf(0, offset);
    return end < 0 ? undefined : head.toString('latin1', offset, end);
  }
  return undefined;
}

const PT_INTERP = 3;
/** Bytes in which the names of loaders and interpreters stand. */
const BEGINNING = 4096;

/** The first bytes of a spec's program; undefined when it cannot be read. */
function beginningOf(spec: Pick<OciSpec, 'process' | 'root' | 'mounts'>): Buffer | undefined {
  const head = Buffer.alloc(BEGINNING);
  try {
    const { root, path } = outside(spec, resolveExecutable(spec));
    using tree = root === undefined ? undefined : new RootedTree(root);
    const fd = tree === undefined ? openRegular(path) : tree.openFile(path);
    try {
      return head.subarray(0, readSync(fd, head, 0, head.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function inspect(spec: Pick<OciSpec, 'root' | 'mounts'>, path: string): 'fine' | 'missing' | 'directory' | 'denied' {
  let stat: Stats;
  try {
    stat = statOf(spec, path);
  } catch {
    return 'missing';
  }
  if (stat.isDirectory()) return 'directory';
  return !stat.isFile() || (stat.mode & 0o111) === 0 ? 'denied' : 'fine';
}

function statOf(spec: Pick<OciSpec, 'root' | 'mounts'>, path: string): Stats {
  const at = outside(spec, path);
  if (at.root === undefined) return statSync(at.path);
  using tree = new RootedTree(at.root);
  const found = tree.stat(tree.locate(at.path));
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}

/** Where a path of the container lies for us: in its root file system, or in what is bound over a part of it. */
function outside(spec: Pick<OciSpec, 'root' | 'mounts'>, path: string): { readonly root: string | undefined; readonly path: string } {
  const above = spec.mounts
    .filter((mount) => mount.type === 'bind' && (path === mount.destination || path.startsWith(`${mount.destination.replace(/\/$/, '')}/`)))
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
  if (above === undefined) return { root: spec.root.path, path };
  const rest = path.slice(above.destination.length);
  return rest === '' ? { root: undefined, path: above.source } : { root: above.source, path: rest };
}

function failure(what: 'not-found' | 'not-executable', name: string, why: string): SlipwayError {
  return new SlipwayError(
    'process-failed',
    `container.command-${what}`,
    `unable to start container process: exec: ${JSON.stringify(name)}: ${why}`,
    {
      exitCode: what === 'not-found' ? 127 : 126,
    },
  );
}
