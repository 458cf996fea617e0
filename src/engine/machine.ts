// What the machine gives to containers, and what the store holds: facts for `info`.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../util/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Engine } from './engine.ts';
import type { Limits } from '../runtime/index.ts';

export interface MachineFacts {
  /** The same as long as the store is the same, as a UUID. */
  readonly id: string;
  readonly containers: Readonly<Record<'all' | 'running' | 'paused', number>>;
  /** All of them, those without a name too. */
  readonly images: number;
  readonly snapshots: Snapshotter['driver'];
  /** Of the file system that holds the snapshots. */
  readonly fileSystem: string;
  /** Name of the OCI runtime. */
  readonly runtime: string;
  readonly cgroupVersion: '1' | '2';
  /** Nothing can be limited where no control group can be made. */
  readonly limits: Limits;
  readonly apparmor: boolean;
  readonly forwarding: boolean;
}

const NO_LIMITS: Limits = { memory: false, swap: false, cpu: false, cpuset: false, pids: false };

/** @throws what opening a runtime throws */
export async function machineFacts(engine: Engine): Promise<MachineFacts> {
  const containers = await engine.containers();
  await containers.reconcile();
  const states = containers.records.all().map(({ state }) => (state.paused === true ? 'paused' : state.status));
  const runtime = await engine.runtime();
  const { cgroupMode, limits } = await import('../runtime/index.ts');
  return {
    id: storeId(engine.layout.root),
    containers: {
      all: states.length,
      running: states.filter((s) => s === 'running').length,
      paused: states.filter((s) => s === 'paused').length,
    },
    images: engine.images.list({ all: true }).length,
    snapshots: engine.snapshots.driver,
    fileSystem: fileSystemOf(engine.layout.snapshots),
    runtime: runtime.name,
    cgroupVersion: cgroupMode() === 'v2' ? '2' : '1',
    limits: runtime.cgroups ? limits() : NO_LIMITS,
    apparmor: (await runtime.confinement()) === 'on',
    forwarding: text('/proc/sys/net/ipv4/ip_forward').trim() !== '0',
  };
}

function storeId(root: string): string {
  const { ino, birthtimeNs } = statSync(join(root, 'slipway.db'), { bigint: true });
  const hex = sha256Hex(`${text('/etc/machine-id')}:${root}:${ino}:${birthtimeNs}`);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

/** Its type, as the kernel calls it: the mount with the longest path above it. */
function fileSystemOf(path: string): string {
  let found = { at: '', type: 'unknown' };
  for (const line of text('/proc/self/mounts').split('\n')) {
    const [, at = '', type = ''] = line.split(' ');
    const above = at === '/' || path === at || path.startsWith(`${at}/`);
    if (above && at.length >= found.at.length) found = { at, type };
  }
  return found.type;
}

/** Empty when there is no such file. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
