// What /proc tells of a process that may end at any moment (proc(5)).
import { readFileSync } from 'node:fs';

/** A file of `/proc/PID`; empty when the process is gone. */
export function readProc(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** The fields of a `stat` behind the command, which stands in parentheses and may contain them and blanks; the state is the first. */
export const statFields = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

/** A process and those that it has started, each after its parent. */
export function descendants(pid: number): number[] {
  const pids = [pid];
  for (let at = 0; at < pids.length; at++) {
    const children = readProc(pids[at]!, `task/${pids[at]}/children`);
    pids.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return pids;
}

/** Sends SIGKILL to a process, or to a group by its negative number. Nothing happens when there is none. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}
