// Why a process could not be started, in Docker's words and with its exit codes. Asked only after a runtime has refused,
// so that a step that works pays nothing for it.
import { closeSync, existsSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { openRegular, RootedTree } from '../sys/index.ts';
import type { OciSpec } from './spec/oci.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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
    if (found !== 'fine') throw failure('not-executable', name, found === 'directory' ? 'is a directory' : 'permission denied');
    return path;
  }
  const searchPath = env.findLast((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
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
  const head = Buffer.alloc(20);
  try {
    const { root, path } = outside(spec, resolveExecutable(spec));
    using tree = root === undefined ? undefined : new RootedTree(root);
    const fd = tree === undefined ? openRegular(path) : tree.openFile(path);
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
  if (head.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const found = MACHINES[machine];
  if (found === undefined || OURS[process.arch]?.includes(machine) || existsSync(`/proc/sys/fs/binfmt_misc/${found.emulator}`))
    return undefined;
  return found;
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
