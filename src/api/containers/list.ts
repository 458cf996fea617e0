// `GET /containers/json`: a list, with Docker's filters.
import {
  bindings,
  commandText,
  type Container,
  containerSizes,
  type Engine,
  filterContainers,
  stateText,
  statusText,
} from '../../engine/index.ts';
import { containerMounts, endpointsJson } from '../../docker/index.ts';
import { openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';

const FILTERS = new Set(
  'ancestor before exited expose health id is-task isolation label name network publish since status volume'.split(' '),
);

export async function list({ api, query, reply }: Call): Promise<void> {
  const { engine } = api;
  const filters = query.filters(FILTERS);
  const limit = query.number('limit') ?? 0;
  const containers = await openContainers(api);
  const words = [...filters].flatMap(([key, values]) => values.map((value) => `${key}=${settled(engine, key, value)}`));
  const everything = query.flag('all') || limit > 0 || filters.has('status') || filters.has('exited');
  const found = filterContainers(containers.records.all(), words).filter(
    (c) => everything || c.state.status === 'running' || c.state.status === 'restarting',
  );
  const shown = limit > 0 ? found.slice(0, limit) : found;
  reply.json(await Promise.all(shown.map((c) => containerSummary(engine, c, { now: api.now(), size: query.flag('size') }))));
}

/** A name stands for the image that has it now. */
const settled = (engine: Engine, key: string, value: string): string =>
  key === 'ancestor' ? (engine.images.find(value)?.id ?? value) : value;

export async function containerSummary(
  engine: Engine,
  c: Container,
  o: { readonly now: number; readonly size: boolean },
): Promise<Record<string, unknown>> {
  const sizes = o.size ? containerSizes(engine, c) : undefined;
  return {
    Id: c.id,
    Names: [`/${c.name}`],
    Image: engine.images.find(c.imageName)?.id === c.imageId ? c.imageName : c.imageId,
    ImageID: c.imageId,
    Command: commandText(c),
    Created: Math.floor(c.createdAt / 1000),
    Ports: portsOf(c),
    ...(sizes && { SizeRw: sizes.written, SizeRootFs: sizes.total }),
    Labels: c.labels,
    State: stateText(c),
    Status: statusText(c, o.now),
    HostConfig: { NetworkMode: c.request.network },
    NetworkSettings: { Networks: await endpointsJson(engine, c) },
    Mounts: containerMounts(c),
  };
}

function portsOf(c: Container): object[] {
  if (c.state.status !== 'running') return [];
  const published = c.network?.ports ?? [];
  const known = new Set(published.map((p) => `${p.containerPort}/${p.protocol}`));
  return [
    ...published.flatMap((p) =>
      bindings(p).map((b) => ({ IP: b.hostIp, PrivatePort: p.containerPort, PublicPort: b.hostPort, Type: p.protocol as string })),
    ),
    ...c.exposed.filter((e) => !known.has(e)).map((e) => ({ PrivatePort: Number.parseInt(e, 10), Type: e.slice(e.indexOf('/') + 1) })),
  ];
}
