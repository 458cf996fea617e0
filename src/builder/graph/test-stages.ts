// The stages of a Dockerfile that are marked as tests: solved in one graph, so that what several need is done once, and each to its end.
import type { Stage } from '../../dockerfile/index.ts';
import { type Node, topological } from '../../graph/index.ts';
import { firstError, withCleanup } from '../../util/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { CpuSlot } from '../../solver/index.ts';
import type { BuildEvent } from '../events.ts';
import { Lowering, stageLabel } from '../lower/index.ts';
import { BaseImages } from '../sources/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { nodesOf } from './build.ts';
import { failOnViolations, runChecks } from './check.ts';
import { BuildDriver } from './driver.ts';
import { readDockerfile } from './read.ts';
import { solveEach } from './solve.ts';

export interface StageTest {
  readonly name: string;
  /** Why it failed; undefined when it passed. */
  readonly problem?: string;
  /** The end of what the step wrote that failed. */
  readonly log?: string;
  /** Time of its own steps, without those of the stages that it stands on. */
  readonly ms: number;
}

/** `# test: NAME` above a FROM; without a name the stage's own. */
const MARK = /^test:\s*(.*)$/i;
/** Bytes of a step's output that are kept. */
const MOST_LOG = 8 << 10;

/**
 * Runs every test, also when one fails.
 * @throws SlipwayError of the Dockerfile; failed-precondition `build.no-tests` when no stage is marked; unsupported `build.elsewhere`
 */
export async function testStages(env: BuildEnvironment, request: BuildJob): Promise<StageTest[]> {
  if (env.remote)
    throw new SlipwayError('unsupported', 'build.elsewhere', 'tests run on this machine, and not on a builder elsewhere', {
      hints: ['leave --builder out'],
    });
  const { dockerfile } = readDockerfile(request);
  const marked = testsOf(dockerfile.stages);
  if (marked.length === 0)
    throw new SlipwayError('failed-precondition', 'build.no-tests', `no stage of ${request.dockerfile.name} is a test`, {
      hints: ['a line "# test: NAME" right above the FROM of a stage makes it one'],
    });
  const watch = new StepWatch();
  const onEvent = (e: BuildEvent): void => {
    watch.event(e);
    request.onEvent(e);
  };
  const job = { ...request, onEvent };
  const bases = new BaseImages(env, job, onEvent);
  const lowering = new Lowering(bases, job, dockerfile);
  const tests: { readonly name: string; readonly nodes: readonly Node[]; readonly stage: Stage }[] = [];
  for (const { name, stage } of marked) {
    const { state } = await lowering.lower(stage);
    tests.push({ name, stage, nodes: nodesOf(state) });
  }
  failOnViolations(await runChecks(dockerfile, lowering, job));
  using lease = env.leases.create();
  const slots = new Map<string, CpuSlot>();
  const driver = new BuildDriver(env, job, bases, lease, { onList: () => {}, onWork: (v, used) => slots.get(v.id)?.watch(used) });
  const outcomes = await withCleanup(
    () => solveEach(env, job, [...new Set(tests.flatMap(({ nodes }) => nodes))], driver, slots),
    () => driver.close(),
  );
  return tests.map(({ name, nodes, stage }) => {
    const label = stageLabel(dockerfile, stage);
    const ms = nodes.filter(({ meta }) => meta.stage === label).reduce((sum, node) => sum + watch.ms(node.digest), 0);
    const failure = nodes.map((node) => outcomes.get(node)).find((outcome) => outcome?.status === 'rejected');
    if (failure?.status !== 'rejected') return { name, ms };
    const error: unknown = firstError(failure.reason);
    if (!isSlipwayError(error) || error.kind === 'cancelled') throw error;
    const log = topological(nodes)
      .map((node) => watch.failedLog(node.digest))
      .find((text) => text !== undefined);
    return { name, problem: error.message, ms, ...(log && { log }) };
  });
}

function testsOf(stages: readonly Stage[]): { readonly name: string; readonly stage: Stage }[] {
  return stages.flatMap((stage) => {
    const name = stage.comments.flatMap((comment) => MARK.exec(comment)?.[1] ?? []).at(-1);
    return name === undefined ? [] : [{ stage, name: name || (stage.name ?? `stage ${stage.index}`) }];
  });
}

/** What steps wrote, how long they took, and which failed. */
class StepWatch {
  readonly #logs = new Map<string, Buffer>();
  readonly #started = new Map<string, number>();
  readonly #ms = new Map<string, number>();
  readonly #failed = new Set<string>();

  event(e: BuildEvent): void {
    if (e.type === 'log') this.#logs.set(e.id, Buffer.concat([this.#logs.get(e.id) ?? Buffer.alloc(0), e.data]).subarray(-MOST_LOG));
    if (e.type !== 'vertex') return;
    if (e.state === 'started') this.#started.set(e.id, e.at);
    else this.#ms.set(e.id, e.at - (this.#started.get(e.id) ?? e.at));
    if (e.state === 'failed') this.#failed.add(e.id);
  }

  ms(id: string): number {
    return this.#ms.get(id) ?? 0;
  }

  /** The end of what it wrote; undefined when it did not fail. */
  failedLog(id: string): string | undefined {
    return this.#failed.has(id) ? (this.#logs.get(id)?.toString().trimEnd() ?? '') : undefined;
  }
}
