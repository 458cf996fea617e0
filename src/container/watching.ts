// Who sees to a container that has ended: its monitor calls slipway, unless a command that waits for the end says that it will do it. Starting
// a slipway for nothing would cost more than most containers.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../store/index.ts';
import { processIdentity } from '../sys/index.ts';
import { runFolder } from './folders.ts';

/** There while a command waits for the end; it has the process and when that started. */
const mark = (layout: Layout, id: string): string => join(runFolder(layout, id), 'watched');

/**
 * From now on this process clears up when the container ends; until what is returned is disposed of, or this process ends. Does nothing when
 * another process does already, or there is nothing to clear up.
 */
export function watchEnd(layout: Layout, id: string): Disposable {
  const [pid = '', , started = ''] = processIdentity().split(':');
  const path = mark(layout, id);
  const text = `${pid} ${started}\n`;
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch {
    return { [Symbol.dispose]: () => {} };
  }
  return { [Symbol.dispose]: () => read(path) === text && rmSync(path, { force: true }) };
}

/** The monitor sees to it, whoever meant to. */
export function leaveEnd(layout: Layout, id: string): void {
  rmSync(mark(layout, id), { force: true });
}

/** What a monitor runs at the end: `cleanUp`, unless the process that the mark names is still there. */
export function atEnd(layout: Layout, id: string, cleanUp: readonly string[]): string[] {
  const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const path = quoted(mark(layout, id));
  const isWatched = `[ -e ${path} ] && read -r pid started < ${path} && read -r line < /proc/$pid/stat && set -- \${line##*) } && [ "\${20}" = "$started" ]`;
  return ['/bin/sh', '-c', `${isWatched} || exec ${cleanUp.map(quoted).join(' ')}`];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it went with the container
  }
}
