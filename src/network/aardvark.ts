// aardvark-dns serves the names of user-made networks from a file per network: the address it listens on, then a line per container. It
// reads its files again at SIGHUP, and ends when nothing is left. Callers hold the lock.
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, writeFileAtomic, SYSTEM_PATH } from '../sys/index.ts';

const FOLDERS = '/usr/libexec/podman:/usr/lib/podman:/usr/local/libexec/podman:/usr/local/lib/podman';
const PID_FILE = 'aardvark.pid';

export interface NamedContainer {
  readonly id: string;
  readonly ip: string;
  readonly names: readonly string[];
}

/** Starts the server where none runs. Throws failed-precondition 'network.no-aardvark'. */
export function aardvarkAdd(folder: string, network: string, listen: string, container: NamedContainer): void {
  const program = findExecutable('aardvark-dns', `${FOLDERS}:${SYSTEM_PATH}`);
  if (program === undefined)
    throw new SlipwayError('failed-precondition', 'network.no-aardvark', 'aardvark-dns is not installed; networks of your own need it', {
      hints: ['install the package aardvark-dns'],
    });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const others = entries(folder, network).filter((entry) => entry.split(' ')[0] !== container.id);
  write(folder, network, listen, [...others, `${container.id} ${container.ip}  ${container.names.join(',')}`]);
  const server = serverOf(folder);
  if (server !== undefined) process.kill(server, 'SIGHUP');
  else {
    // It returns, within 5 ms, when its server serves and takes signals: a signal sent before would end it, or never reach it.
    const apart: SpawnSyncOptions & { detached: boolean } = { stdio: 'ignore', detached: true, cwd: '/', env: { PATH: SYSTEM_PATH } };
    spawnSync(program, ['--config', folder, '--port', '53', 'run'], apart);
  }
}

/** Without its last container a network is not served, without its last network the server ends. */
export function aardvarkRemove(folder: string, network: string, listen: string, container: string): void {
  const present = entries(folder, network);
  const kept = present.filter((entry) => entry.split(' ')[0] !== container);
  if (kept.length === 0) rmSync(join(folder, network), { force: true });
  else write(folder, network, listen, kept);
  const server = serverOf(folder);
  const over = networks(folder).length === 0;
  if (over) rmSync(join(folder, PID_FILE), { force: true });
  if (server !== undefined) process.kill(server, over ? 'SIGTERM' : 'SIGHUP');
}

function write(folder: string, network: string, listen: string, lines: readonly string[]): void {
  writeFileAtomic(join(folder, network), `${[listen, ...lines].join('\n')}\n`, { mode: 0o600 });
}

function entries(folder: string, network: string): string[] {
  try {
    return readFileSync(join(folder, network), 'utf8').trimEnd().split('\n').slice(1);
  } catch {
    return [];
  }
}

function networks(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name !== PID_FILE);
  } catch {
    return [];
  }
}

function serverOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, PID_FILE), 'latin1'));
    return pid > 0 && readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith('aardvark') ? pid : undefined;
  } catch {
    return undefined;
  }
}
