// Limits of processes, as `--ulimit` of build and run has them.
import { SlipwayError } from './errors.ts';

export interface Ulimit {
  /** As Docker has it: `nofile`, `nproc`, `core` … */
  readonly name: string;
  /** -1 is unlimited. */
  readonly soft: number;
  readonly hard: number;
}

const LIMITS = new Set([
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

const invalid = (message: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'flag.ulimit', message, { hints: ['--ulimit nofile=1024:2048'] });

/** `nofile=1024`, `nofile=1024:2048`, `core=-1` or `core=unlimited`. @throws SlipwayError `flag.ulimit` in Docker's words */
export function parseUlimit(spec: string): Ulimit {
  const [, name = '', first = '', second = first] = /^([a-z]+)=([^:]+)(?::([^:]+))?$/.exec(spec) ?? [];
  if (name === '') throw invalid(`invalid ulimit argument: ${spec}`);
  if (!LIMITS.has(name)) throw invalid(`invalid ulimit type: ${name}`);
  const [soft, hard] = [first, second].map((text) => {
    const n = text === 'unlimited' ? -1 : Number(text);
    if (!Number.isInteger(n) || n < -1) throw invalid(`invalid ulimit argument: ${spec}`);
    return n;
  }) as [number, number];
  if (hard !== -1 && (soft > hard || soft === -1))
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { name, soft, hard };
}
