// --ulimit in the words of setrlimit(2). Limits above our own hard ones need CAP_SYS_RESOURCE; without it they are lowered to
// what we have instead of failing, since a limit is a wish to bound a process and that still holds.
import { readFileSync } from 'node:fs';
import { SlipwayError, type Ulimit } from '../../model/index.ts';
import type { Rlimit } from './oci.ts';
import { boundingSet } from './capabilities.ts';

/** Name of the limit in /proc/PID/limits by its name on the command line. */
const NAMES: Readonly<Record<string, string>> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

/** RLIM_INFINITY; JSON numbers of this size are written as they stand by encodeSpec. */
const UNLIMITED = 2 ** 64;

export function resolveRlimits(
  ulimits: readonly Ulimit[],
  own: (name: string) => number = ownHardLimit,
  mayRaise = boundingSet().has('CAP_SYS_RESOURCE'),
): Rlimit[] {
  return ulimits.map(({ name, soft, hard }) => {
    if (NAMES[name] === undefined) throw new SlipwayError('invalid-argument', 'container.unknown-ulimit', `invalid ulimit type: ${name}`);
    const most = mayRaise ? UNLIMITED : own(name);
    return { type: `RLIMIT_${name.toUpperCase()}`, soft: Math.min(value(soft), most), hard: Math.min(value(hard), most) };
  });
}

function value(limit: number): number {
  return limit < 0 ? UNLIMITED : limit;
}

function ownHardLimit(name: string): number {
  const line = readFileSync('/proc/self/limits', 'latin1')
    .split('\n')
    .find((candidate) => candidate.startsWith(`${NAMES[name]!} `));
  const hard = line?.slice(NAMES[name]!.length).trim().split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? UNLIMITED : Number(hard);
}
