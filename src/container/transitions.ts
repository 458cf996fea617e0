// The states of a container and what may lead from one to another, as a table. `ContainerRecords.transition` applies it inside a
// transaction to the newest record: a decision made on an older one cannot be carried out.
import { processAlive, processIdentity } from '../sys/index.ts';
import { wantsRestart } from './restart-policy.ts';
import type { Container, ContainerStatus } from './types.ts';

export interface Transition {
  readonly from: readonly ContainerStatus[];
  readonly to: ContainerStatus | ((c: Container) => ContainerStatus);
  /** What must hold besides the status. */
  readonly guard?: (c: Container) => boolean;
}

const lives = (identity: string | undefined): boolean => identity !== undefined && processAlive(identity);
const endedByUs = (c: Container): boolean => c.state.ender === processIdentity();
const endedByNobody = (c: Container): boolean => !lives(c.state.ender);

const TRANSITIONS = {
  /** A command begins to start it. */
  start: { from: ['created', 'exited'], to: 'running' },
  /** Its policy starts it again. */
  restart: { from: ['restarting'], to: 'running' },
  /** A command stops it: it is not started again, and one that waits for that rests. */
  halt: { from: ['running', 'restarting'], to: (c) => (c.state.status === 'restarting' ? 'exited' : 'running') },
  /** A command begins to clear away what an ended container, or a failed start, left. One with `--rm` is never seen as exited. */
  claimEnd: { from: ['running'], to: (c) => (c.request.autoRemove ? 'removing' : 'running'), guard: endedByNobody },
  end: { from: ['running'], to: (c) => (wantsRestart(c) ? 'restarting' : 'exited'), guard: endedByUs },
  /** It could not be started, and is what it was before. */
  fail: { from: ['running'], to: (c) => (c.state.startedAt === undefined ? 'created' : 'exited'), guard: endedByUs },
  pause: { from: ['running'], to: 'running', guard: (c) => c.state.paused !== true },
  unpause: { from: ['running'], to: 'running', guard: (c) => c.state.paused === true },
  remove: { from: ['created', 'exited'], to: 'removing' },
  /** As `remove`, but not of a container that a living `run` is about to start. */
  prune: { from: ['created', 'exited'], to: 'removing', guard: (c) => c.state.status !== 'created' || !lives(c.state.starter) },
  /** The command that was removing it has died. */
  resumeRemoval: { from: ['removing'], to: 'removing', guard: endedByNobody },
} as const satisfies Readonly<Record<string, Transition>>;

export type TransitionName = keyof typeof TRANSITIONS;

/** Moves `c` and returns true, or leaves it alone. */
export function move(c: Container, name: TransitionName): boolean {
  const t: Transition = TRANSITIONS[name];
  if (!t.from.includes(c.state.status) || t.guard?.(c) === false) return false;
  c.state.status = typeof t.to === 'function' ? t.to(c) : t.to;
  return true;
}

/** Whether the container's first process is there, or the command that is starting it. */
export function isAlive(c: Container): boolean {
  const { status, process, starter, gated } = c.state;
  return status === 'running' && (process === undefined || gated === true ? lives(starter) : processAlive(process));
}

/** Its process waits for a command that has died, or was let go by it in its last moment: only the runtime knows. */
export function isStranded(c: Container): boolean {
  return c.state.status === 'running' && c.state.gated === true && !lives(c.state.starter);
}

/** Whether somebody is there who will record its end. */
export function isWatched(c: Container): boolean {
  return lives(c.state.ender) || lives(c.state.starter) || lives(c.state.monitor);
}

export function isMonitorAlive(c: Container): boolean {
  return lives(c.state.monitor);
}

/** Whether the command that started it, and may be waiting for its end, is still there. */
export function isStarterAlive(c: Container): boolean {
  return lives(c.state.starter);
}

/** Whether the command that ends or removes it is still at work. */
export function isBeingEnded(c: Container): boolean {
  return lives(c.state.ender);
}

/** Whether the commands are gone that would have taken it to where it rests: the next one does. */
export function isAbandoned(c: Container): boolean {
  const { status, starter } = c.state;
  if (status === 'running') return !isAlive(c) && (isStranded(c) || !isWatched(c));
  if (status === 'removing') return !isBeingEnded(c);
  return status === 'created' && c.request.autoRemove && starter !== undefined && !lives(starter);
}
