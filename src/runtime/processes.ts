// Every process of containers, steps and probes, also those that nothing was written down of: a runtime that is killed while it
// creates a container leaves a process that waits for a start, before it has noted which.
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityIfAlive, killNow, readProc } from '../sys/index.ts';
import { groupPrefix, KILL_TIME } from './control-groups.ts';

export interface RuntimeProcess {
  readonly pid: number;
  /** Of its container, step or probe. */
  readonly id: string;
}

/** Those whose runtime keeps its files in `stateRoot`: known by their control groups, monitors and runtimes by their arguments. */
export function runtimeProcesses(stateRoot: string): RuntimeProcess[] {
  const prefix = groupPrefix(stateRoot);
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const id = groupedUnder(prefix, readProc(name, 'cgroup')) ?? createdFor(stateRoot, name);
    // a zombie has ended
    return id === undefined || identityIfAlive(Number(name)) === '' ? [] : [{ pid: Number(name), id }];
  });
}

/** Kills the processes of these containers, steps and probes, and returns when there are none. */
export async function endProcesses(stateRoot: string, ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return;
  // one that was forked during a look is seen in the next
  let looksWithout = 0;
  for (const until = Date.now() + KILL_TIME; looksWithout < 2 && Date.now() < until; await sleep(1)) {
    const found = runtimeProcesses(stateRoot).filter(({ id }) => ids.has(id));
    looksWithout = found.length === 0 ? looksWithout + 1 : 0;
    for (const { pid } of found) killNow(pid);
  }
}

function groupedUnder(prefix: string, cgroups: string): string | undefined {
  const at = cgroups.indexOf(`/${prefix}`);
  return at < 0 ? undefined : /^[^/\n]+/.exec(cgroups.slice(at + 1 + prefix.length))?.[0];
}

/** A process that a runtime has made has its arguments until it becomes the container's program. */
function createdFor(stateRoot: string, pid: string): string | undefined {
  const args = readProc(pid, 'cmdline').split('\0').slice(0, -1);
  const program = basename(args[0] ?? '');
  const creates =
    program === 'conmon' || (['crun', 'runc'].includes(program) && ['create', 'run', 'exec'].some((verb) => args.includes(verb)));
  const id = args.find((arg) => /^[0-9a-f]{64}$/.test(arg));
  const run = `${dirname(stateRoot)}/`;
  return creates && id !== undefined && args.some((arg) => arg.startsWith(run)) && isOurs(stateRoot, pid) ? id : undefined;
}

/** Not of a slipway inside a container, whose paths are the same. The first process of a container has its own root already. */
function isOurs(stateRoot: string, pid: string): boolean {
  const depth = (of: string): string[] => /^NSpid:\t(.*)$/m.exec(readProc(of, 'status'))?.[1]?.split('\t') ?? [];
  const deeper = depth(pid).slice(depth('self').length);
  if (deeper.length > 0) return deeper.join() === '1';
  const there = statSync(join('/proc', pid, 'root', stateRoot), { throwIfNoEntry: false });
  const here = statSync(stateRoot);
  return there?.dev === here.dev && there.ino === here.ino;
}
