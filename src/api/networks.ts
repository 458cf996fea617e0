// The routes of networks.
import {
  isPredefined,
  type ListedNetwork,
  matchingNetworks,
  NETWORK_FILTERS,
  networkJson,
  networkNamed,
  networks,
} from '../docker/index.ts';
import { connectNetwork, disconnectNetwork, pruneNetworks } from '../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { type Api, openContainers } from './api.ts';
import { endpointOf } from './containers/networking.ts';
import type { Call } from './http/call.ts';
import { truthOf, untilOf } from './http/query.ts';
import { get, post, remove, type Route } from './http/routes.ts';

export const NETWORK_ROUTES: readonly Route[] = [
  get('/networks', list),
  post('/networks/create', create),
  post('/networks/prune', prune),
  get('/networks/{id}', inspect),
  post('/networks/{id}/connect', connect),
  post('/networks/{id}/disconnect', disconnect),
  remove('/networks/{id}', removeNetwork),
];

async function list({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(NETWORK_FILTERS);
  const dangling = truthOf(filters, 'dangling');
  const found = await matchingNetworks(api.engine, filters, dangling === undefined ? undefined : [dangling]);
  // the containers of a network are told by its details alone
  reply.json(await Promise.all(found.map(async (n) => ({ ...(await networkJson(api.engine, n)), Containers: {} }))));
}

/** @throws SlipwayError not-found `network.not-found` */
async function found(api: Api, word: string): Promise<ListedNetwork> {
  const n = networkNamed(await networks(api.engine), word);
  if (n === undefined) throw new SlipwayError('not-found', 'network.not-found', `network ${word} not found`);
  return n;
}

async function inspect(call: Call): Promise<void> {
  if (!['', 'local'].includes(call.query.text('scope') ?? ''))
    throw new SlipwayError('not-found', 'network.not-found', `network ${call.param('id')} not found`);
  call.reply.json(await networkJson(call.api.engine, await found(call.api, call.param('id'))));
}

async function create(call: Call): Promise<void> {
  const body = await call.json();
  const name = body.text('Name') ?? '';
  if (['bridge', 'host', 'none', 'default'].includes(name))
    throw new SlipwayError('failed-precondition', 'network.predefined', `operation is not permitted on predefined ${name} network`);
  const driver = body.word('Driver') ?? 'bridge';
  if (driver !== 'bridge') throw new SlipwayError('unsupported', 'network.driver', `plugin ${JSON.stringify(driver)} not found`);
  body.refuse({
    EnableIPv6: 'containers have addresses of IPv4',
    Ingress: 'there is no swarm',
    ConfigOnly: 'networks have no configurations apart',
    ConfigFrom: 'networks have no configurations apart',
  });
  if (body.flag('EnableIPv4') === false)
    throw new SlipwayError('invalid-argument', 'api.unsupported', 'EnableIPv4 false is not supported: containers have addresses of IPv4');
  if (!['', 'local'].includes(body.text('Scope') ?? ''))
    throw new SlipwayError('invalid-argument', 'api.unsupported', 'the scope of a network is local');
  const ipam = body.object('IPAM');
  if (!['', 'default'].includes(ipam?.text('Driver') ?? ''))
    throw new SlipwayError('invalid-argument', 'api.unsupported', 'addresses are given by the driver default alone');
  const [pool, ...others] = ipam?.objects('Config') ?? [];
  if (others.length > 0) throw new SlipwayError('invalid-argument', 'network.subnets', "bridge driver doesn't support multiple subnets");
  const [subnet, gateway, ipRange] = [pool?.word('Subnet'), pool?.word('Gateway'), pool?.word('IPRange')];
  const options = body.pairs('Options') ?? {};
  const { id } = await (
    await call.api.engine.network()
  ).create({
    name,
    labels: body.pairs('Labels') ?? {},
    auxAddresses: pool?.pairs('AuxiliaryAddresses') ?? {},
    ...(subnet !== undefined && { subnet }),
    ...(gateway !== undefined && { gateway }),
    ...(ipRange !== undefined && { ipRange }),
    ...(body.flag('Internal') === true && { internal: true }),
    ...(Object.keys(options).length > 0 && { options }),
  });
  call.reply.json({ Id: id, Warning: '' }, 201);
}

async function connect(call: Call): Promise<void> {
  const body = await call.json();
  const { name } = await found(call.api, call.param('id'));
  const containers = await openContainers(call.api);
  const c = containers.records.resolve(body.text('Container') ?? '');
  await connectNetwork(containers, c, endpointOf(name, body.raw('EndpointConfig') ?? null));
  call.reply.empty(200);
}

async function disconnect(call: Call): Promise<void> {
  const body = await call.json();
  const { name } = await found(call.api, call.param('id'));
  const containers = await openContainers(call.api);
  const word = body.text('Container') ?? '';
  try {
    await disconnectNetwork(containers, containers.records.resolve(word), name);
  } catch (error) {
    if (body.flag('Force') === true && isSlipwayError(error) && error.code === 'container.not-found')
      throw new SlipwayError('not-found', 'network.no-endpoint', `endpoint ${word} not found`);
    throw error;
  }
  call.reply.empty(200);
}

async function removeNetwork(call: Call): Promise<void> {
  const n = await found(call.api, call.param('id'));
  if (isPredefined(n))
    throw new SlipwayError('failed-precondition', 'network.predefined', `${n.name} is a pre-defined network and cannot be removed`);
  await openContainers(call.api);
  await (await call.api.engine.network()).remove(n.name);
  call.reply.empty(204);
}

const PRUNE_FILTERS = new Set(['label', 'label!', 'until']);

async function prune({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(PRUNE_FILTERS);
  const { removed } = await pruneNetworks(api.engine, {
    ...untilOf(filters, api.now()),
    labels: filters.get('label') ?? [],
    otherLabels: filters.get('label!') ?? [],
  });
  reply.json({ NetworksDeleted: removed.length === 0 ? null : removed });
}
