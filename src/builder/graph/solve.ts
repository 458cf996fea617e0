// Solves nodes of a graph: the scheduler with the cache of the store, its limits and locks, and the events that screens show.
import { join } from 'node:path';
import type { Node } from '../../graph/index.ts';
import { DatabaseCache, ImportingCache, Solver, type CpuSlot, CpuSlots } from '../../solver/index.ts';
import { FileLock } from '../../sys/index.ts';
import type { Recorder } from '../record/index.ts';
import type { Result } from '../result.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { type BuildDriver, type NodeVertex, storedResult, verticesOf } from './driver.ts';

/** For vertices that are not limited. */
const FREE: CpuSlot = { watch: () => {}, [Symbol.dispose]: () => {} };

/**
 * Solves nodes, the last one first: most of them are only looked up when that came from the cache. Keys are by the digests of nodes.
 * @param before is given a way to solve single nodes before that; no node is executed twice
 */
export async function solveNodes(
  env: BuildEnvironment,
  request: BuildJob,
  nodes: readonly Node[],
  driver: BuildDriver,
  running: Map<string, CpuSlot>,
  recorder: Recorder | undefined,
  before?: (solve: (node: Node) => Promise<Result>) => Promise<void>,
): Promise<{ results: Map<Node, Result>; keys: ReadonlyMap<string, string> }> {
  const vertices = verticesOf(nodes);
  const { solver, keys, used } = openSolver(env, request, driver, { running, recorder });
  recorder?.expect(nodes);
  await before?.(async (node) => (await solver.solve(verticesOf([node])))[0] as Result);
  // the last one first: it is what decides how much is looked into
  const solved = await solver.solve(vertices.toReversed());
  used();
  return { results: new Map(nodes.toReversed().map((n, i) => [n, solved[i] as Result])), keys };
}

/** What became of nodes, of which one that fails stops only what needs it. */
export async function solveEach(
  env: BuildEnvironment,
  request: BuildJob,
  nodes: readonly Node[],
  driver: BuildDriver,
  running: Map<string, CpuSlot>,
): Promise<Map<Node, PromiseSettledResult<Result>>> {
  const { solver, used } = openSolver(env, request, driver, { running, recorder: undefined, keepGoing: true });
  const solved = await solver.solveEach(verticesOf(nodes));
  used();
  return new Map(nodes.map((n, i) => [n, solved[i] as PromiseSettledResult<Result>]));
}

function openSolver(
  env: BuildEnvironment,
  request: BuildJob,
  driver: BuildDriver,
  o: { readonly running: Map<string, CpuSlot>; readonly recorder: Recorder | undefined; readonly keepGoing?: boolean },
) {
  const { running, recorder, keepGoing = false } = o;
  const local = new DatabaseCache(env.db, env.now, request.identity);
  const cache = env.imports ? new ImportingCache(local, env.imports) : local;
  const slots = new CpuSlots(request.jobs ?? env.jobs, () => performance.now());
  const keys = new Map<string, string>();
  const solver = new Solver<Result>(driver, {
    cache,
    slot: async (v, signal) => {
      // what comes over the network does not wait for the processor
      if ((v as NodeVertex).node.op.kind === 'source') return FREE;
      const slot = await slots.take(signal);
      running.set(v.id, slot);
      return slot;
    },
    onKey: (v, { key, parts }) => {
      keys.set(v.id, key);
      const { op } = (v as NodeVertex).node;
      // it is going to run, though not before its inputs are there
      if (op.kind === 'exec' && op.network === 'default' && cache.get(key) === undefined) warmNetwork(env);
      recorder?.keyed(
        (v as NodeVertex).node,
        key,
        v.inputs.map((input, i) => ({ id: input.id, name: input.name, part: parts[i] ?? '' })),
      );
    },
    signal: request.signal,
    keepGoing,
    lock: (key, signal) => FileLock.acquire(join(env.layout.locks, `step-${key}`), 'exclusive', { remove: true, signal }),
    onState: (v, vertexState, error) => {
      const { node } = v as NodeVertex;
      if (node.op.kind === 'source' && node.op.identifier === 'scratch') return;
      if (vertexState !== 'started') recorder?.unlist(node);
      const because = vertexState === 'started' && node.inputs.length > 0 ? recorder?.explain(node, askedFor(request, node)) : undefined;
      const key = keys.get(v.id);
      const kept = vertexState === 'cached' && key !== undefined ? cache.get(key) : undefined;
      request.onEvent({
        type: 'vertex',
        id: v.id,
        name: v.name,
        ...(node.meta.stage !== undefined && { stage: node.meta.stage }),
        inputs: v.inputs.map((i) => i.id),
        state: vertexState,
        at: env.now(),
        ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
        ...because,
        ...(kept && { savedMs: storedResult(kept).ms }),
      });
    },
  });
  return { solver, keys: keys as ReadonlyMap<string, string>, used: () => local.used([...keys.values()]) };
}

/** Begins to make a network; what goes wrong is told to the step that needs it. */
export function warmNetwork(env: BuildEnvironment): void {
  env.networks().then(
    (networks) => networks.warm(),
    () => {},
  );
}

export function askedFor(request: BuildJob, { meta }: Node): string | undefined {
  if (!meta.noCache) return undefined;
  return request.noCache ? '--no-cache' : `--no-cache-filter ${meta.stage ?? ''}`.trimEnd();
}
