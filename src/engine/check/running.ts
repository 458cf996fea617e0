// What commands and containers leave when they are killed: bundles, mounts, network namespaces, links, rules, control groups and
// processes that belong to nothing that runs. While other commands are at work, what may be theirs is no finding.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../container/index.ts';
import { isAbandoned as isNameAbandoned, ownerAlive } from '../../store/index.ts';
import type { Leftovers } from '../../network/index.ts';
import { mountPoints, processAlive } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import type { Finding } from './types.ts';

/** What lies, and runs, below the run folder of a store and belongs to nothing that runs. */
export interface LeftRunning {
  /** Whether another command is at work: then nothing is looked at. */
  readonly busy: boolean;
  /** Containers whose state is one that no command is left to end. */
  readonly containers: readonly Container[];
  /** By their paths. */
  readonly folders: readonly string[];
  /** IDs that the OCI runtime still knows of. */
  readonly states: readonly string[];
  readonly processes: readonly { readonly pid: number; readonly id: string }[];
  /** Control groups without a process. */
  readonly groups: readonly { readonly path: string; readonly id: string }[];
  /** Whether a container runs, or is on its way between two states. */
  isLive(id: string): boolean;
}

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** What exists is looked at before who may have it: each is recorded first, and created after. */
export async function leftRunning(engine: Engine): Promise<LeftRunning> {
  const [{ emptyControlGroups, notedSteps, runtimeProcesses, scratchFolders }, { isAbandoned }] = await Promise.all([
    import('../../runtime/index.ts'),
    import('../../container/index.ts'),
  ]);
  const { run, root, runtime: stateRoot } = engine.layout;
  const processes = runtimeProcesses(stateRoot);
  const groups = emptyControlGroups(stateRoot);
  const inside = (...names: string[]): string[] => list(join(run, ...names)).map((name) => join(run, ...names, name));
  const known = ['crun', 'runc'].flatMap((name) => list(join(stateRoot, name))).filter((id) => /^[0-9a-f]{64}$/.test(id));
  const named = [...inside('build'), ...inside('mounts')];
  const byId = [...inside('containers'), ...inside('netns')];

  const steps = (['crun', 'runc'] as const).flatMap((name) => notedSteps(stateRoot, name));
  const scratch = scratchFolders(stateRoot);
  const containers = engine.db
    .read((sql) => sql.all<{ json: string }>('SELECT json FROM containers'))
    .map((r) => JSON.parse(r.json) as Container);
  const abandoned = containers.filter(isAbandoned);
  const live = new Set([
    ...containers.filter((c) => ['running', 'removing'].includes(c.state.status) && !abandoned.includes(c)).map((c) => c.id),
    ...steps.filter((owner) => !owner.abandoned).flatMap((owner) => owner.ids),
    ...scratch.filter((folder) => !folder.abandoned).map((folder) => folder.id),
  ]);
  const isLive = (id: string): boolean => live.has(id);
  const noted = steps.filter((owner) => owner.abandoned).flatMap((owner) => owner.ids);
  return {
    busy: isBusy(engine, containers),
    containers: abandoned,
    folders: [
      ...byId.filter((path) => !isLive(path.slice(path.lastIndexOf('/') + 1))),
      ...named.filter((path) => isNameAbandoned(root, path.slice(path.lastIndexOf('/') + 1)) !== false),
      ...scratch.filter((folder) => folder.abandoned).map((folder) => folder.path),
      ...steps.filter((owner) => owner.abandoned).map((owner) => owner.path),
    ],
    states: [...new Set([...known, ...noted])].filter((id) => !isLive(id)),
    processes: processes.filter(({ id }) => !isLive(id)),
    groups: groups.filter(({ id }) => !isLive(id)),
    isLive,
  };
}

function isBusy({ db, layout }: Engine, containers: readonly Container[]): boolean {
  const owners = db.read((sql) => sql.all<{ owner: string }>('SELECT DISTINCT owner FROM leases'));
  return (
    owners.some((r) => ownerAlive(layout.root, r.owner)) ||
    containers.some(({ state }) => [state.starter, state.ender].some((identity) => identity !== undefined && processAlive(identity)))
  );
}

/** ms in which a monitor, whose command has just recorded the end of its container, ends by itself. */
const ENDING = 2000;

export async function checkRunning(engine: Engine): Promise<Finding[]> {
  let left = await leftRunning(engine);
  for (const until = Date.now() + ENDING; left.processes.length > 0 && !left.busy && Date.now() < until; left = await leftRunning(engine))
    await sleep(20);
  if (left.busy) return [];
  const { run, root } = engine.layout;
  const netns = join(run, 'netns');
  const mounts = mountPoints().filter(
    (path) => (path.startsWith(`${run}/`) || path.startsWith(`${root}/`)) && !path.startsWith(`${netns}/`),
  );
  const { attachments, bridges, rules } = await networkLeftovers(engine, left);
  return [
    ...left.containers.map(({ id, state }): Finding => ({
      subject: 'container',
      id,
      problem: `it is ${state.status === 'running' ? 'being started' : state.status}, by a command that is gone`,
    })),
    ...mounts.map((path): Finding => ({ subject: 'mount', id: path, problem: 'it is mounted outside any command' })),
    ...left.folders.map((path): Finding => ({
      subject: path.startsWith(netns) ? 'network' : 'bundle',
      id: path,
      problem: 'nothing that runs needs it',
    })),
    ...left.states.map((id): Finding => ({ subject: 'process', id, problem: 'the runtime knows it, and it does not run' })),
    ...left.processes.map(({ pid, id }): Finding => ({
      subject: 'process',
      id: String(pid),
      problem: `it belongs to ${id}, which has ended`,
    })),
    ...left.groups.map(({ path }): Finding => ({ subject: 'cgroup', id: path, problem: 'no process is in it' })),
    ...attachments.map((id): Finding => ({ subject: 'network', id, problem: 'what was attached to a network is gone' })),
    ...bridges.map((id): Finding => ({ subject: 'link', id, problem: 'nothing is attached to this bridge' })),
    ...rules.map((id): Finding => ({ subject: 'firewall', id, problem: 'a rule for a bridge that nothing is attached to' })),
  ];
}

/** A store that never had a network left none, and needs no program to tell. */
async function networkLeftovers(engine: Engine, { isLive }: LeftRunning): Promise<Leftovers> {
  const none = { attachments: [], bridges: [], rules: [] };
  if (engine.db.read((sql) => sql.get('SELECT 1 FROM networks')) === undefined) return none;
  return (await engine.network()).leftovers(isLive);
}
