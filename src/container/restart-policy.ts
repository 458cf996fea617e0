// `--restart`: when a container that has ended is started again, and how long that waits. Pure; the rules are Docker's.
import { SlipwayError } from '../model/index.ts';
import type { Container, RestartPolicy } from './types.ts';

/** ms. The wait doubles with each restart, up to a minute, and begins again after a run of ten seconds. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
const LONG_RUN = 10_000;

const NO_RESTART: RestartPolicy = { name: 'no', maximumRetries: 0 };

/** Whether a container that has just ended, with the exit code of its record, is started again. */
export function wantsRestart(c: Container): boolean {
  const { name, maximumRetries } = c.request.restart ?? NO_RESTART;
  if (c.state.stopped === true) return false;
  switch (name) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return c.state.exitCode !== 0 && (maximumRetries === 0 || (c.state.restarts ?? 0) < maximumRetries);
    default:
      return name satisfies never;
  }
}

/** ms until the next restart of one that ran for `ran` ms; `last` is what the restart before waited for. */
export function restartDelay(last: number | undefined, ran: number): number {
  return last === undefined || ran >= LONG_RUN ? FIRST_DELAY : Math.min(last * 2, LONGEST_DELAY);
}

/** Records when a container starts again that has just begun to restart. `now` in ms. */
export function scheduleRestart({ state }: Container, now: number): void {
  const ran = (state.finishedAt ?? now) - (state.startedAt ?? now);
  state.restartDelay = restartDelay(state.restartDelay, ran);
  state.restartAt = now + state.restartDelay;
  state.restarts = (state.restarts ?? 0) + 1;
}

const NAMES: readonly string[] = ['no', 'always', 'on-failure', 'unless-stopped'] satisfies RestartPolicy['name'][];

/**
 * `always`, `on-failure:3`; an empty text is `no`.
 * @throws SlipwayError invalid-argument `container.restart-policy`
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const refuse = (message: string): SlipwayError =>
    new SlipwayError('invalid-argument', 'container.restart-policy', message, { exitCode: 125 });
  const [name = '', count = ''] = text.split(/:(.*)/s);
  if (count !== '' && !/^[-+]?\d+$/.test(count)) throw refuse('invalid restart policy format: maximum retry count must be an integer');
  if (name !== '' && !NAMES.includes(name))
    throw refuse(`invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  const policy: RestartPolicy = { name: (name || 'no') as RestartPolicy['name'], maximumRetries: Number(count) };
  if (policy.name !== 'on-failure' && policy.maximumRetries !== 0)
    throw refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  if (policy.maximumRetries < 0) throw refuse('invalid restart policy: maximum retry count cannot be negative');
  return policy;
}
