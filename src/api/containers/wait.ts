// `wait`: the answer begins at once, so that a client knows that it is heard before it starts the container; what it waits for comes later.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, type ContainerManager, events, isAlive, type RecordedEvent } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type Api, openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';

type Condition = 'not-running' | 'next-exit' | 'removed';
const CONDITIONS: readonly string[] = ['not-running', 'next-exit', 'removed'] satisfies Condition[];

/** ms between two looks for what died unseen. */
const LOOK = 2000;

export async function wait(call: Call): Promise<void> {
  const { api, query, reply } = call;
  const condition = query.text('condition') ?? 'not-running';
  if (!CONDITIONS.includes(condition))
    throw new SlipwayError('invalid-argument', 'api.query', `invalid condition: ${JSON.stringify(condition)}`);
  const containers = await openContainers(api);
  const word = call.param('id');
  const gone = containers.records.find(word) === undefined ? api.ended.exitCode(word) : undefined;
  if (gone !== undefined) return reply.json({ StatusCode: gone });
  const c = containers.records.resolve(word);
  const over = new AbortController();
  const signal = AbortSignal.any([call.following, over.signal]);
  // what happens from here on is seen, whatever the record says in a moment
  const happening = events(api.engine, { filters: new Map([['container', [c.id]]]), signal });
  const first = happening.next();
  try {
    const output = reply.stream('application/json');
    const exitCode = await exitOf(api, containers, c, condition as Condition, happening, first, over.signal);
    if (!call.following.aborted) output.write(`${JSON.stringify({ StatusCode: exitCode })}\n`);
    output.end();
  } finally {
    over.abort();
    await happening.return(undefined);
  }
}

async function exitOf(
  api: Api,
  containers: ContainerManager,
  c: Container,
  condition: Condition,
  happening: AsyncGenerator<RecordedEvent>,
  first: Promise<IteratorResult<RecordedEvent>>,
  over: AbortSignal,
): Promise<number> {
  const now = containers.records.get(c.id);
  let exitCode = now?.state.exitCode ?? c.state.exitCode;
  if (now === undefined) return exitCode;
  const rests = !isAlive(now) && now.state.status !== 'running' && now.state.status !== 'restarting';
  if (condition === 'not-running' && rests) return exitCode;
  void look(api, over);
  for (let next = await first; next.done !== true; next = await happening.next()) {
    const { action, actor, attributes } = next.value;
    if (actor !== c.id) continue;
    if (action === 'die') exitCode = Number(attributes['exitCode'] ?? exitCode);
    if (action === 'destroy' || (action === 'die' && condition !== 'removed')) return exitCode;
  }
  return exitCode;
}

/** A container whose monitor was killed has its end recorded by whoever looks. */
async function look(api: Api, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(LOOK, undefined, { signal: over }).catch(() => {});
    if (!over.aborted) await openContainers(api).catch((e: unknown) => api.warn(String(e)));
  }
}
