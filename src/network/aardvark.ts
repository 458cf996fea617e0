// aardvark-dns serves names of user-made networks from a file per network that netavark writes. When a container's namespace is
// gone, netavark cannot take its entry out any more; here it is done without.
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../sys/index.ts';

/** `config` is netavark's folder. The server is told to read its files anew, or to end when nothing is left. */
export function aardvarkForget(config: string, network: string, container: string): void {
  const folder = join(config, 'aardvark-dns');
  const file = join(folder, network);
  try {
    const [listen = '', ...entries] = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const kept = entries.filter((entry) => entry.split(' ')[0] !== container);
    if (kept.length === 0) rmSync(file, { force: true });
    else writeFileAtomic(file, `${[listen, ...kept].join('\n')}\n`, { mode: 0o600 });
    const pidFile = join(folder, 'aardvark.pid');
    const server = Number(readFileSync(pidFile, 'latin1'));
    const over = readdirSync(folder).every((name) => name === 'aardvark.pid');
    if (over) rmSync(pidFile, { force: true });
    if (server > 0 && isAardvark(server)) process.kill(server, over ? 'SIGTERM' : 'SIGHUP');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
  }
}

function isAardvark(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith('aardvark');
}
