// Options of volumes: what is mounted as one, by Docker's rules (`type`, `device` and `o` of its driver `local`).
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import { MountFlag } from '../sys/index.ts';

export type VolumeOptions = Readonly<Record<string, string>>;

const KNOWN = new Set(['type', 'o', 'device', 'size']);
const NEEDED: readonly (readonly [option: string, needs: readonly string[]])[] = [
  ['device', ['type']],
  ['type', ['device']],
  ['o', ['device', 'type']],
];

/** @throws SlipwayError invalid-argument `volume.options`, in Docker's words */
export function checkOptions(name: string, options: VolumeOptions): void {
  const refuse = (why: string): SlipwayError => new SlipwayError('invalid-argument', 'volume.options', `create ${name}: ${why}`);
  for (const option of Object.keys(options)) if (!KNOWN.has(option)) throw refuse(`invalid option: ${JSON.stringify(option)}`);
  if (Object.hasOwn(options, 'size')) throw refuse('quota size requested but no quota support');
  for (const [option, needs] of NEEDED)
    for (const need of Object.hasOwn(options, option) ? needs : [])
      if (!Object.hasOwn(options, need)) throw refuse(`missing required option: ${JSON.stringify(need)}`);
}

const F = MountFlag;
/** Words of mount(8) and the flags that they set, or clear. */
const FLAGS: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  defaults: {},
  ro: { set: F.MS_RDONLY },
  rw: { clear: F.MS_RDONLY },
  suid: { clear: F.MS_NOSUID },
  nosuid: { set: F.MS_NOSUID },
  dev: { clear: F.MS_NODEV },
  nodev: { set: F.MS_NODEV },
  exec: { clear: F.MS_NOEXEC },
  noexec: { set: F.MS_NOEXEC },
  sync: { set: F.MS_SYNCHRONOUS },
  async: { clear: F.MS_SYNCHRONOUS },
  atime: { clear: F.MS_NOATIME },
  noatime: { set: F.MS_NOATIME },
  diratime: { clear: F.MS_NODIRATIME },
  nodiratime: { set: F.MS_NODIRATIME },
  relatime: { set: F.MS_RELATIME },
  norelatime: { clear: F.MS_RELATIME },
  strictatime: { set: F.MS_STRICTATIME },
  nostrictatime: { clear: F.MS_STRICTATIME },
  bind: { set: F.MS_BIND },
  rbind: { set: F.MS_BIND | F.MS_REC },
};

export interface VolumeMount {
  readonly device: string;
  readonly type: string;
  readonly flags: number;
  /** What only the file system understands. */
  readonly data: string;
}

/** What mount(2) is to be given. The host of a network file system is looked up, since the kernel knows addresses only. */
export async function volumeMount(options: VolumeOptions): Promise<VolumeMount> {
  const type = options['type'] ?? '';
  let flags = 0;
  const data: string[] = [];
  for (const word of (options['o'] ?? '').split(',').filter(Boolean)) {
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag !== undefined) flags = (flags & ~(flag.clear ?? 0)) | (flag.set ?? 0);
    else data.push(/^(?:nfs|cifs)/.test(type) ? await resolved(word) : word);
  }
  return { device: options['device'] ?? '', type, flags, data: data.join(',') };
}

async function resolved(word: string): Promise<string> {
  const host = /^addr=(.+)$/s.exec(word)?.[1];
  if (host === undefined || isIP(host) !== 0) return word;
  try {
    return `addr=${(await lookup(host)).address}`;
  } catch (cause) {
    throw new SlipwayError('unavailable', 'volume.not-mounted', `error resolving passed in network volume address: lookup ${host}`, {
      exitCode: 125,
      cause,
    });
  }
}

/** Whether what is mounted has no other place than memory: containers that use it at once have to share one mount. */
export const isMemory = (options: VolumeOptions): boolean => ['tmpfs', 'ramfs'].includes(options['type'] ?? '');

export const isReadonly = (options: VolumeOptions): boolean => (options['o'] ?? '').split(',').includes('ro');
