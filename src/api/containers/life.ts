// From the creation of a container to its removal.
import {
  type Container,
  type ContainerManager,
  isAlive,
  pauseContainer,
  renameContainer,
  unpauseContainer,
  updateContainer,
} from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { type Api, openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { untilOf } from '../http/query.ts';
import { imageOf } from '../images/find.ts';
import { lasting, work } from '../work.ts';
import { requestOf } from './create.ts';
import { limitsOf } from './limits.ts';

export async function create(call: Call): Promise<void> {
  const { api, query, reply, signal } = call;
  const request = requestOf(await call.json(), { name: query.text('name')?.replace(/^\//, ''), platform: query.text('platform') });
  const warnings: string[] = [];
  imageOf(api, request.image);
  await unpacked(api, request.image, signal);
  const containers = await api.engine.containers();
  const c = await containers.create(request, { startLater: true, onWarning: (message) => void warnings.push(message) });
  reply.json({ Id: c.id, Warnings: warnings }, 201);
}

/** An image that was loaded has its files in archives: to unpack them takes its time. */
async function unpacked(api: Api, image: string, signal: AbortSignal): Promise<void> {
  const top = api.engine.images.find(image)?.layers.at(-1);
  if (top !== undefined && api.engine.snapshots.byChain(top.chainId) === undefined) await work(api, { kind: 'unpack', image }, { signal });
}

const found = async ({ api, params }: Call): Promise<[ContainerManager, Container]> => {
  const containers = await openContainers(api);
  return [containers, containers.records.resolve(params['id'] ?? '')];
};

export async function start(call: Call): Promise<void> {
  const [, c] = await found(call);
  if (isAlive(c)) return call.reply.empty(304);
  await begin(call.api, c);
  call.reply.empty(204);
}

/** A client that goes away has asked for it all the same. */
async function begin(api: Api, c: Container): Promise<void> {
  try {
    await work(
      api,
      { kind: 'start', container: c.id, attended: api.waiting.has(c.id) },
      { signal: new AbortController().signal, beforeStart: () => api.waiting.connect(c.id) },
    );
  } catch (e) {
    api.waiting.fail(c.id);
    throw e;
  }
}

const stopOptions = ({ query }: Call): { seconds: number | undefined; signal: string | undefined } => ({
  seconds: query.number('t'),
  signal: query.text('signal'),
});

export async function stop(call: Call): Promise<void> {
  const [containers, c] = await found(call);
  if (!isAlive(c) && c.state.status !== 'restarting') return call.reply.empty(304);
  await containers.stop(c, stopOptions(call));
  call.reply.empty(204);
}

export async function restart(call: Call): Promise<void> {
  const [containers, c] = await found(call);
  await containers.stop(c, stopOptions(call));
  await begin(call.api, containers.records.resolve(c.id));
  containers.records.note(c, 'restart');
  call.reply.empty(204);
}

export async function kill(call: Call): Promise<void> {
  const [containers, c] = await found(call).catch((e: unknown) => {
    throw isSlipwayError(e) ? e.withContext({ message: `cannot kill container: ${call.param('id')}: ${e.message}` }) : e;
  });
  await containers.kill(c, call.query.text('signal') ?? 'KILL');
  call.reply.empty(204);
}

export async function pause(call: Call): Promise<void> {
  await pauseContainer(...(await found(call)));
  call.reply.empty(204);
}

export async function unpause(call: Call): Promise<void> {
  await unpauseContainer(...(await found(call)));
  call.reply.empty(204);
}

export async function rename(call: Call): Promise<void> {
  const [containers, c] = await found(call);
  await renameContainer(containers, c, call.query.text('name') ?? '');
  call.reply.empty(204);
}

export async function update(call: Call): Promise<void> {
  const change = limitsOf(await call.json());
  call.reply.json({ Warnings: await updateContainer(...(await found(call)), change) });
}

export async function remove(call: Call): Promise<void> {
  const { query } = call;
  if (query.flag('link'))
    throw new SlipwayError('unsupported', 'api.links', 'containers have no links: those of a network find each other by name');
  const [, c] = await found(call);
  await lasting(call.api, { kind: 'remove', container: c.id, force: query.flag('force'), volumes: query.flag('v') });
  call.reply.empty(204);
}

const PRUNE_FILTERS = new Set(['until', 'label', 'label!']);

export async function prune({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(PRUNE_FILTERS);
  const filter = { ...untilOf(filters, api.now()), labels: filters.get('label') ?? [], otherLabels: filters.get('label!') ?? [] };
  const { removed, reclaimed } = await lasting(api, { kind: 'prune-containers', filter });
  reply.json({ ContainersDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed });
}
