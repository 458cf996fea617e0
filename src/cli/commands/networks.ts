// Commands on networks: ls, create, inspect, rm, prune.
import {
  isPredefined,
  type ListedNetwork,
  matchingNetworks,
  NETWORK_FILTERS,
  networkJson,
  networkNamed,
  networks,
} from '../../docker/index.ts';
import { pruneNetworks } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Command, Option } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { containerLabels } from '../container-values.ts';
import { labelOf, labelsText, parseFilters, renderRows, truthsOf } from '../format.ts';
import { goTime } from '../go-time.ts';
import { type Find, show } from '../inspection.ts';
import { untilOf } from '../until.ts';
import { listFormat } from '../user-config.ts';

const RAW = [
  ['network_id', 'ID'],
  ['name', 'Name'],
  ['driver', 'Driver'],
  ['scope', 'Scope'],
] as const;

export const networkLs: Command = {
  name: 'network ls',
  summary: 'List networks',
  usage: '[OPTIONS]',
  examples: ['slipway network ls', 'slipway network ls -q -f type=custom'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'filter', short: 'f', type: 'list', placeholder: 'key=value', help: [...NETWORK_FILTERS].map((f) => `${f}=…`).join(', ') },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate IDs' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show IDs only' },
  ],
  async run(ctx, o) {
    const filters = parseFilters(o.list('filter'), NETWORK_FILTERS);
    const list = await matchingNetworks(await ctx.engine(), filters, truthsOf(filters, 'dangling'));
    const id = (n: ListedNetwork): string => (o.bool('no-trunc') ? n.id : n.id.slice(0, 12));
    if (o.bool('quiet')) return void ctx.stdout.write(list.map((n) => `${id(n)}\n`).join(''));
    const rows = list.map((n) => ({
      CreatedAt: goTime(n.createdAt),
      Driver: n.driver,
      ID: id(n),
      IPv4: 'true',
      IPv6: 'false',
      Internal: String(n.info?.internal === true),
      Label: labelOf(n.labels),
      Labels: labelsText(n.labels),
      Name: n.name,
      Scope: 'local',
    }));
    const columns = [
      { head: 'NETWORK ID', field: 'ID' },
      { head: 'NAME', field: 'Name' },
      { head: 'DRIVER', field: 'Driver' },
      { head: 'SCOPE', field: 'Scope' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, listFormat(ctx, 'networksFormat', o), RAW, { type: '*network.networkContext' }));
  },
};

export const findNetwork: Find = async (engine, ref) => {
  const n = networkNamed(await networks(engine), ref);
  return n && networkJson(engine, n);
};

export const networkInspect: Command = {
  name: 'network inspect',
  summary: 'Show details of networks',
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  examples: ['slipway network inspect bridge', "slipway network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge"],
  args: { min: 1 },
  options: [{ name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' }],
  run: (ctx, o, args) => show(ctx, o, args, [{ find: findNetwork, missing: (ref) => `network ${ref} not found` }]),
};

export const networkCreate: Command = {
  name: 'network create',
  summary: 'Create a network',
  usage: '[OPTIONS] NETWORK',
  examples: ['slipway network create app', 'slipway network create --subnet 10.9.0.0/24 --ip-range 10.9.0.128/25 app'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'aux-address', type: 'list', placeholder: 'name=ip', help: 'Addresses that no container gets' },
    { name: 'driver', short: 'd', type: 'string', placeholder: 'bridge', help: 'Driver of the network; only bridge exists' },
    { name: 'gateway', type: 'string', placeholder: 'ip', help: 'Gateway address' },
    { name: 'internal', type: 'boolean', help: 'No way out of the network, and none in' },
    { name: 'ip-range', type: 'string', placeholder: 'cidr', help: 'Part of the subnet that containers get addresses of' },
    { name: 'ipv6', type: 'boolean', help: 'Refused: containers have addresses of IPv4' },
    {
      name: 'opt',
      short: 'o',
      type: 'list',
      placeholder: 'key=value',
      help: 'Options of the driver: com.docker.network.bridge.name, com.docker.network.driver.mtu',
    },
    { name: 'label', type: 'list', placeholder: 'key=value', help: 'Set metadata' },
    { name: 'subnet', type: 'list', placeholder: 'cidr', help: 'Subnet of the network (default: a free range)' },
  ],
  async run(ctx, o, [name = '']) {
    const driver = o.string('driver') ?? 'bridge';
    if (driver !== 'bridge')
      throw new SlipwayError('unsupported', 'network.driver', `plugin ${JSON.stringify(driver)} not found`, {
        hints: ['the only driver is bridge'],
      });
    const [subnet, ...others] = o.list('subnet');
    if (others.length > 0) throw new SlipwayError('unsupported', 'network.subnets', "bridge driver doesn't support multiple subnets");
    const gateway = o.string('gateway');
    const ipRange = o.string('ip-range');
    const pairs = (name: string): Record<string, string> =>
      Object.fromEntries(
        o
          .list(name)
          .map((text) => text.split(/=(.*)/s))
          .map(([key = '', value = '']) => [key, value]),
      );
    const network = await (await ctx.engine()).network();
    const { id } = await network.create({
      name,
      labels: containerLabels(o.list('label'), '--label'),
      ...(subnet !== undefined && { subnet }),
      ...(gateway !== undefined && { gateway }),
      ...(ipRange !== undefined && { ipRange }),
      auxAddresses: pairs('aux-address'),
      ...(o.bool('ipv6') && { ipv6: true }),
      ...(o.bool('internal') && { internal: true }),
      ...(o.has('opt') && { options: pairs('opt') }),
    });
    ctx.stdout.write(`${id}\n`);
  },
};

const FORCE: Option = { name: 'force', short: 'f', type: 'boolean', help: 'Ignore missing networks' };

export const networkRm: Command = {
  name: 'network rm',
  summary: 'Remove networks',
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  examples: ['slipway network rm app', 'slipway network rm app db'],
  args: { min: 1 },
  options: [FORCE],
  async run(ctx, o, args) {
    const engine = await ctx.engine();
    const network = await engine.network();
    let failed = 0;
    for (const ref of args) {
      try {
        const found = networkNamed(await networks(engine), ref);
        if (found === undefined) throw new SlipwayError('not-found', 'network.not-found', `network ${ref} not found`);
        if (isPredefined(found))
          throw new SlipwayError(
            'failed-precondition',
            'network.predefined',
            `${found.name} is a pre-defined network and cannot be removed`,
          );
        await network.remove(found.name);
        ctx.stdout.write(`${ref}\n`);
      } catch (e) {
        if (!isSlipwayError(e)) throw e;
        if (e.kind === 'not-found' && o.bool('force')) continue;
        failed++;
        ctx.stderr.write(`error: ${e.message}\n`);
      }
    }
    return failed > 0 ? 1 : 0;
  },
};

const PRUNE_FILTERS = new Set(['until', 'label', 'label!']);

export const networkPrune: Command = {
  name: 'network prune',
  summary: 'Remove networks that no running container uses',
  usage: '[OPTIONS]',
  examples: ['slipway network prune -f', 'slipway network prune --filter until=24h'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'filter', type: 'list', placeholder: 'key=value', help: 'until=24h, label=…, label!=…' },
    { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask for confirmation' },
  ],
  async run(ctx, o) {
    const filters = parseFilters(o.list('filter'), PRUNE_FILTERS);
    const { until } = untilOf(ctx, filters.get('until')?.at(-1));
    if (!(await confirmed(ctx, o, 'This will remove all custom networks not used by at least one container.'))) return;
    const { removed } = await pruneNetworks(await ctx.engine(), {
      ...(until !== undefined && { until }),
      labels: filters.get('label') ?? [],
      otherLabels: filters.get('label!') ?? [],
    });
    if (removed.length > 0) ctx.stdout.write(`Deleted Networks:\n${removed.map((name) => `${name}\n`).join('')}\n`);
  },
};
