// What runs on this machine, by its command line.
import { readdirSync, readFileSync } from 'node:fs';

/** The command lines of all processes but this one, words separated by blanks. */
export function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it ended in between
      }
    });
}
