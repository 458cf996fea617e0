// Runs health checks: each in its container, as `exec` would, for as long as it may take.
import { isSlipwayError } from '../model/index.ts';
import { processExiting } from '../sys/index.ts';
import { durationText } from '../util/index.ts';
import { execOptions } from './exec.ts';
import { nextProbeAt, probeArguments, probeTimeout, recordResult } from './health.ts';
import type { ContainerManager } from './manager.ts';
import { isAlive } from './transitions.ts';
import type { Container, HealthResult } from './types.ts';

/** Bytes of output that are kept. */
const MOST_OUTPUT = 4096;
/** ms; pausing, stopping and starting wake the supervisor. */
const NOT_DUE = Number.POSITIVE_INFINITY;

/** The checks of one store that are under way. */
export class Probes {
  readonly #manager: ContainerManager;
  readonly #signal: AbortSignal;
  readonly #onOver: () => void;
  readonly #underWay = new Set<string>();

  /** `onOver` is called when a check is over and recorded. */
  constructor(manager: ContainerManager, signal: AbortSignal, onOver: () => void) {
    this.#manager = manager;
    this.#signal = signal;
    this.#onOver = onOver;
  }

  /** Begins the check of a container that is due. Returns ms until its next one is. */
  startDue(c: Container, now: number): number {
    const { startedAt, gated, paused } = c.state;
    if (this.#underWay.has(c.id) || startedAt === undefined || gated === true || paused === true || !isAlive(c)) return NOT_DUE;
    const wait = nextProbeAt(c) - now;
    if (wait > 0) return wait;
    this.#underWay.add(c.id);
    void this.#check(c).finally(() => {
      this.#underWay.delete(c.id);
      this.#onOver();
    });
    return NOT_DUE;
  }

  async #check(c: Container): Promise<void> {
    const { parts, records } = this.#manager;
    const start = parts.now();
    const { exitCode, output } = await probe(this.#manager, c, this.#signal);
    if (this.#signal.aborted) return;
    const result: HealthResult = { start, end: parts.now(), exitCode, output };
    records.update(c.id, (r) => {
      // of this run, and not of one that was started since; one that ends takes its check with it
      if (r.state.process !== c.state.process || r.state.status !== 'running' || processExiting(r.state.pid) || !recordResult(r, result))
        return undefined;
      return { action: `health_status: ${r.state.health?.status ?? ''}` };
    });
  }
}

/** Never rejects: what is wrong with a check is its output. */
async function probe(manager: ContainerManager, c: Container, signal: AbortSignal): Promise<Pick<HealthResult, 'exitCode' | 'output'>> {
  const timeout = probeTimeout(c);
  try {
    const options = execOptions(c, { args: probeArguments(c) ?? [], env: [], tty: false, detach: false, privileged: false });
    const how = { timeout: timeout / 1e6, mostOutput: MOST_OUTPUT, signal };
    const { exitCode, output } = await (await manager.runtime()).execBounded(c.id, options, how);
    if (exitCode !== undefined) return { exitCode, output };
    return { exitCode: -1, output: `Health check exceeded timeout (${durationText(timeout)})${output === '' ? '' : `: ${output}`}` };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { exitCode: -1, output: isSlipwayError(error) ? message : `cannot run the health check: ${message}` };
  }
}
