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

/** Processes that have a path in their command line or environment, by their command lines. */
export function processesOf(path: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const [cmdline = '', environ = ''] = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
      return `${cmdline}\0${environ}`.includes(path) ? [`${pid} ${cmdline.replaceAll('\0', ' ')}`] : [];
    } catch {
      return []; // it ended in between
    }
  });
}
