// Health checks: when the next one is due, and what its result makes of a container. Pure; the rules are Docker's.
import { type Healthcheck, SlipwayError } from '../model/index.ts';
import type { Container, ContainerRequest, Health, HealthResult } from './types.ts';

/** Docker's, in ns. */
const INTERVAL = 30e9;
const TIMEOUT = 30e9;
const START_INTERVAL = 5e9;
const RETRIES = 3;
const MINIMUM = 1e6;
const LOG_LENGTH = 5;
const MS = 1e6;

const TIMES = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const;

/** The health check of a container: what the request leaves out is the image's. undefined when neither has one. */
export function mergedHealthcheck(image: Healthcheck | undefined, request: ContainerRequest): Healthcheck | undefined {
  if (request.noHealthcheck === true) return { ...image, Test: ['NONE'] };
  const { health } = request;
  if (health === undefined) return image;
  for (const key of TIMES) {
    const ns = health[key] ?? 0;
    if (ns !== 0 && ns < MINIMUM)
      throw new SlipwayError('invalid-argument', 'container.invalid-request', `${key} in Healthcheck cannot be less than 1ms`, {
        exitCode: 125,
      });
  }
  const given = Object.fromEntries(Object.entries(health).filter(([, value]) => value !== 0));
  return { ...image, ...given };
}

/** The program of a container's health check and its arguments; undefined when it has none. */
export function probeArguments({ healthcheck, shell }: Pick<Container, 'healthcheck' | 'shell'>): readonly string[] | undefined {
  const [type, ...words] = healthcheck?.Test ?? [];
  if (type === 'CMD' && words.length > 0) return words;
  if (type === 'CMD-SHELL' && words.length > 0) return [...(shell ?? ['/bin/sh', '-c']), ...words.slice(0, 1)];
  return undefined;
}

/** ns */
export const probeTimeout = ({ healthcheck }: Container): number => healthcheck?.Timeout || TIMEOUT;

/** A container begins to run: its health is open again. What was found before stays to be seen. */
export function beginHealth(c: Container): void {
  if (probeArguments(c) !== undefined) c.state.health = { status: 'starting', failingStreak: 0, log: c.state.health?.log ?? [] };
}

/** Whether a moment lies in the time that a container has for its start. */
function isStarting({ state, healthcheck }: Container, at: number): boolean {
  return state.health?.status === 'starting' && at - (state.startedAt ?? at) < (healthcheck?.StartPeriod ?? 0) / MS;
}

/** ms since the epoch at which a running container is to be checked; the interval begins at the end of the check before. */
export function nextProbeAt(c: Container): number {
  const begun = c.state.startedAt ?? 0;
  const from = Math.max(begun, c.state.health?.log.at(-1)?.end ?? 0);
  const { Interval, StartInterval } = c.healthcheck ?? {};
  return from + (isStarting(c, from) ? StartInterval || START_INTERVAL : Interval || INTERVAL) / MS;
}

/** Records a result. Returns whether that changed how it is. */
export function recordResult(c: Container, result: HealthResult): boolean {
  const health: Health = (c.state.health ??= { status: 'starting', failingStreak: 0, log: [] });
  const before = health.status;
  health.log = [...health.log, result].slice(-LOG_LENGTH);
  if (result.exitCode === 0) {
    health.failingStreak = 0;
    health.status = 'healthy';
  } else if (!isStarting(c, result.start)) {
    health.failingStreak++;
    if (health.failingStreak >= (c.healthcheck?.Retries || RETRIES)) health.status = 'unhealthy';
  }
  return health.status !== before;
}
