// What every handler stands on: the engine on a store, how work is given to a process of its own, and what clients left to come back for.
import type { ProgramFacts } from '../docker/index.ts';
import type { ContainerManager, Engine, SpareWorker } from '../engine/index.ts';
import type { Session } from '../model/index.ts';
import type { Execs } from './containers/exec-records.ts';
import type { Ended } from './containers/ended.ts';
import type { Waiting } from './containers/waiting.ts';

/** How slipway itself is run. */
export interface WorkerCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Api {
  readonly engine: Engine;
  readonly program: ProgramFacts;
  readonly worker: WorkerCommand & { readonly spare: SpareWorker };
  readonly ended: Ended;
  readonly execs: Execs;
  readonly waiting: Waiting;
  /** Those that clients have named, to cancel them by. */
  readonly builds: Map<string, AbortController>;
  /** The session that a client has opened by `POST /session`. @throws when there is none of this ID */
  clientSession(id: string, signal: AbortSignal): Promise<Session>;
  /** Aborted when the server is to stop: what follows something for ever ends then. */
  readonly stopping: AbortSignal;
  /** Something that is no client's business. */
  warn(message: string): void;
  /** ms since the epoch. */
  now(): number;
}

/** The manager of containers, after looking what has died unseen. */
export async function openContainers(api: Api): Promise<ContainerManager> {
  const containers = await api.engine.containers();
  for (const warning of await containers.reconcile()) api.warn(warning);
  return containers;
}
