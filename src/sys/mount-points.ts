// Where something is mounted, as a process sees it (proc(5), /proc/PID/mountinfo).
import { readFileSync } from 'node:fs';

/** In the order in which they were mounted; a place with several mounts stands there several times. Throws ENOENT when the process is gone. */
export function mountPoints(pid: number | 'thread-self' = 'thread-self'): string[] {
  // blanks and the like are written in octal
  const plain = (word: string): string => word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map(plain);
}

/** Whether something is mounted at `path`, as the process sees it. False of a process that is gone. */
export function isMounted(path: string, pid?: number): boolean {
  try {
    return mountPoints(pid).includes(path);
  } catch {
    return false;
  }
}
