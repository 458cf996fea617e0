// The routes of volumes.
import { matchingVolumes, VOLUME_FILTERS, volumeJson } from '../docker/index.ts';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { openContainers } from './api.ts';
import type { Call } from './http/call.ts';
import { truthOf } from './http/query.ts';
import { get, post, put, remove, type Route } from './http/routes.ts';
import { lasting } from './work.ts';

export const VOLUME_ROUTES: readonly Route[] = [
  get('/volumes', list),
  post('/volumes/create', create),
  post('/volumes/prune', prune),
  get('/volumes/{name}', inspect),
  put('/volumes/{name}', update),
  remove('/volumes/{name}', removeVolume),
];

async function list({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(VOLUME_FILTERS);
  const dangling = truthOf(filters, 'dangling');
  await openContainers(api);
  const found = await matchingVolumes(api.engine, filters, dangling === undefined ? undefined : [dangling]);
  reply.json({ Volumes: found.map(volumeJson), Warnings: null });
}

async function inspect({ api, params, reply }: Call): Promise<void> {
  reply.json(volumeJson((await openContainers(api)).volumes.get(params['name'] ?? '')));
}

async function create(call: Call): Promise<void> {
  const body = await call.json();
  const name = body.word('Name');
  const driver = body.word('Driver') ?? 'local';
  if (driver !== 'local')
    throw new SlipwayError(
      'not-found',
      'volume.no-driver',
      `create ${name ?? ''}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
    );
  body.refuse({ ClusterVolumeSpec: 'there is no swarm' });
  const { volumes } = await openContainers(call.api);
  const options = body.pairs('DriverOpts') ?? {};
  // dockerd marks those that nobody named, and prunes them first
  const labels = { ...body.pairs('Labels'), ...(name === undefined && { 'com.docker.volume.anonymous': '' }) };
  const made = volumes.create(name, call.api.now(), { labels, ...(Object.keys(options).length > 0 && { options }) });
  call.reply.json(volumeJson(made), 201);
}

function update(): Promise<void> {
  const message = 'volume update only valid for cluster volumes, but swarm is unavailable';
  return Promise.reject(new SlipwayError('unavailable', 'api.no-swarm', message));
}

async function removeVolume({ api, params, query, reply }: Call): Promise<void> {
  const { volumes } = await openContainers(api);
  try {
    volumes.remove(params['name'] ?? '');
  } catch (e) {
    if (!query.flag('force') || !isSlipwayError(e) || e.kind !== 'not-found') throw e;
  }
  reply.empty(204);
}

const PRUNE_FILTERS = new Set(['all', 'label', 'label!']);

async function prune({ api, query, reply, minor }: Call): Promise<void> {
  const filters = query.filters(PRUNE_FILTERS);
  const filter = {
    // before 1.42 those with a name were meant too
    all: minor < 42 || truthOf(filters, 'all') === true,
    labels: filters.get('label') ?? [],
    otherLabels: filters.get('label!') ?? [],
  };
  const { removed, reclaimed } = await lasting(api, { kind: 'prune-volumes', filter });
  reply.json({ VolumesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed });
}
