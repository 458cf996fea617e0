// What commands and containers leave when they are killed: bundles, mounts, network namespaces, links, rules, control groups and
// processes that belong to nothing that runs. While other commands are at work, what may be theirs is no finding.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isAbandoned, ownerAlive } from '../../store/index.ts';
import type { Leftovers } from '../../network/index.ts';
import { processAlive } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import type { Finding } from './types.ts';

/** Runtime IDs of this store, and what may have them. */
export interface Running {
  readonly containers: ReadonlySet<string>;
  /** Containers that do not run. */
  readonly resting: readonly string[];
  /** Whether another command is at work. */
  readonly busy: boolean;
}

const RESTING = "('created', 'exited', 'dead', 'removing')";

export function running(engine: Engine): Running {
  const { root } = engine.layout;
  return engine.db.read((sql) => ({
    containers: new Set(sql.all<{ id: string }>(`SELECT id FROM containers WHERE state NOT IN ${RESTING}`).map((r) => r.id)),
    resting: sql.all<{ id: string }>(`SELECT id FROM containers WHERE state IN ${RESTING}`).map((r) => r.id),
    busy:
      sql.all<{ owner: string }>('SELECT DISTINCT owner FROM leases').some((r) => ownerAlive(root, r.owner)) ||
      sql
        .all<{ starter: string | null; ender: string | null }>(
          "SELECT json_extract(json, '$.state.starter') AS starter, json_extract(json, '$.state.ender') AS ender FROM containers",
        )
        .some((r) => [r.starter, r.ender].some((identity) => identity !== null && processAlive(identity))),
  }));
}

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Folders below the run folder that belong to nothing that runs, by their paths. */
export function leftoverFolders(engine: Engine, { containers }: Running): string[] {
  const { run, root } = engine.layout;
  const inside = (name: string, belongs: (id: string) => boolean): string[] =>
    list(join(run, name))
      .filter((id) => !belongs(id))
      .map((id) => join(run, name, id));
  return [
    ...inside('containers', (id) => containers.has(id)),
    ...inside('build', (name) => isAbandoned(root, name) === false),
    ...inside('mounts', (name) => isAbandoned(root, name) === false),
    ...inside('netns', (id) => containers.has(id)),
  ];
}

/** IDs that the OCI runtime still knows of, as folders of its state. */
export function leftoverStates(engine: Engine, { containers }: Running): string[] {
  const folder = join(engine.layout.run, 'runtime');
  const known = ['crun', 'runc'].flatMap((name) => list(join(folder, name)));
  // build steps are noted below the process that runs them
  const noted = list(folder)
    .filter((name) => name.endsWith('-owners'))
    .flatMap((owners) => list(join(folder, owners)).map((owner) => join(folder, owners, owner)))
    .filter((path) => !processAlive(basename(path)))
    .flatMap(list);
  return [...new Set([...known, ...noted])].filter((id) => /^[0-9a-f]{64}$/.test(id) && !containers.has(id));
}

export async function checkRunning(engine: Engine, now: Running): Promise<Finding[]> {
  if (now.busy) return [];
  const { run, root } = engine.layout;
  const netns = join(run, 'netns');
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((path) => (path.startsWith(`${run}/`) || path.startsWith(`${root}/`)) && !path.startsWith(`${netns}/`));
  const folders = leftoverFolders(engine, now);
  const states = leftoverStates(engine, now);
  const ended = new Set([...states, ...folders.map((path) => basename(path)), ...now.resting]);
  const { attachments, bridges, rules } = await networkLeftovers(engine, now);
  return [
    ...mounts.map((path): Finding => ({ subject: 'mount', id: path, problem: 'it is mounted outside any command' })),
    ...folders.map((path): Finding => ({
      subject: path.startsWith(netns) ? 'network' : 'bundle',
      id: path,
      problem: 'nothing that runs needs it',
    })),
    ...states.map((id): Finding => ({ subject: 'process', id, problem: 'the runtime knows it, and it does not run' })),
    ...processesOf(ended).map(({ pid, id }): Finding => ({
      subject: 'process',
      id: String(pid),
      problem: `it belongs to ${id}, which has ended`,
    })),
    ...groupsOf(ended).map((path): Finding => ({ subject: 'cgroup', id: path, problem: 'no process is in it' })),
    ...attachments.map((id): Finding => ({ subject: 'network', id, problem: 'what was attached to a network is gone' })),
    ...bridges.map((id): Finding => ({ subject: 'link', id, problem: 'nothing is attached to this bridge' })),
    ...rules.map((id): Finding => ({ subject: 'firewall', id, problem: 'a rule for a bridge that nothing is attached to' })),
  ];
}

/** A store that never had a network left none, and needs no program to tell. */
async function networkLeftovers(engine: Engine, { containers }: Running): Promise<Leftovers> {
  const none = { attachments: [], bridges: [], rules: [] };
  if (engine.db.read((sql) => sql.get('SELECT 1 FROM networks')) === undefined) return none;
  return (await engine.network()).leftovers((id) => containers.has(id));
}

/** Processes of containers and steps that have ended, by their control groups and by the monitors' arguments. */
export function processesOf(ended: ReadonlySet<string>): { pid: number; id: string }[] {
  if (ended.size === 0) return [];
  return list('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    const text = (file: string): string => {
      try {
        return readFileSync(join('/proc', name, file), 'latin1');
      } catch {
        return ''; // it has just ended
      }
    };
    const id =
      text('cgroup')
        .match(ID)
        ?.find((found) => ended.has(found)) ?? monitored(text('cmdline'), ended);
    return id === undefined ? [] : [{ pid: Number(name), id }];
  });
}

const ID = /[0-9a-f]{64}/g;

/** A monitor's or a runtime's container, which is an argument of its own. */
function monitored(cmdline: string, ended: ReadonlySet<string>): string | undefined {
  const args = cmdline.split('\0');
  return /(?:^|\/)(?:conmon|crun|runc)$/.test(args[0] ?? '') ? args.find((arg) => ended.has(arg)) : undefined;
}

/** Control groups without a process, of containers and steps that have ended. */
export function groupsOf(ended: ReadonlySet<string>): string[] {
  if (ended.size === 0) return [];
  const top = '/sys/fs/cgroup';
  return [top, ...list(top).map((name) => join(top, name))].flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((name) => name.startsWith('slipway-') && ended.has(name.slice('slipway-'.length)))
        .map((name) => join(folder, name))
        .filter((path) => readFileSync(join(path, 'cgroup.procs'), 'latin1').trim() === '');
    } catch {
      return []; // a file, or a group that has just ended
    }
  });
}
