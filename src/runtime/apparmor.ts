// The AppArmor profile of containers and build steps, on kernels that have AppArmor: what Docker's default profile denies. The kernel
// keeps loaded profiles until the next boot; loading takes a process, so the list of loaded ones is looked at first.
import { readFileSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run } from '../sys/index.ts';

export const APPARMOR_PROFILE = 'slipway-default';

/** 'off': the kernel has none. 'no-parser': it has, but apparmor_parser is not installed to load a profile. */
export type Confinement = 'on' | 'off' | 'no-parser';

const ENABLED = '/sys/module/apparmor/parameters/enabled';
const LOADED = '/sys/kernel/security/apparmor/profiles';
const PATH = '/usr/sbin:/sbin:/usr/bin:/bin';

/** Everything is allowed but what follows; capabilities and system calls are bounded elsewhere. */
const RULES = `
profile ${APPARMOR_PROFILE} flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  umount,
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send, receive) peer=${APPARMOR_PROFILE},
  ptrace (trace, tracedby, read, readby) peer=${APPARMOR_PROFILE},

  deny mount,

  # Settings of the kernel: files directly in /proc, and all that is in no process's folder, but for shared memory and the network.
  deny /proc/* w,
  deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny /proc/{sysrq-trigger,kcore} rwklx,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`;

export interface AppArmorPlaces {
  readonly enabled: string;
  readonly loaded: string;
  /** Where apparmor_parser is looked for. */
  readonly path: string;
}

/** Loads the profile where it can be. Throws failed-precondition 'runtime.apparmor' when it should be loaded and is not. */
export async function loadAppArmor(places: AppArmorPlaces = { enabled: ENABLED, loaded: LOADED, path: PATH }): Promise<Confinement> {
  const loaded = textOf(places.loaded);
  // Without the list, as in a container of another manager, there is nothing to load into.
  if (!textOf(places.enabled)?.startsWith('Y') || loaded === undefined) return 'off';
  if (loaded.split('\n').some((line) => line.startsWith(`${APPARMOR_PROFILE} `))) return 'on';
  const parser = findExecutable('apparmor_parser', places.path);
  if (parser === undefined) return 'no-parser';
  const { exitCode, stderr } = await run(parser, ['--skip-cache', '--replace'], { input: RULES, env: { PATH: places.path } });
  if (exitCode === 0) return 'on';
  throw new SlipwayError(
    'failed-precondition',
    'runtime.apparmor',
    `AppArmor is enabled, but the profile ${APPARMOR_PROFILE} cannot be loaded: ${stderr.trim()}`,
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
