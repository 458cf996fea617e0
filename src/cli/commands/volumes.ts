// Commands on volumes: ls, create, inspect, rm, prune.
import { matchingVolumes, VOLUME_FILTERS, volumeJson } from '../../docker/index.ts';
import { pruneVolumes, type Engine } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command, Option } from '../command.ts';
import { containerLabels } from '../container-values.ts';
import { confirmed } from '../confirm.ts';
import { labelOf, labelsText, parseFilters, renderRows, truthsOf } from '../format.ts';
import { show, type Find } from '../inspection.ts';
import { listFormat } from '../user-config.ts';

/** What is not looked at for a list, as Docker's does not. */
const UNKNOWN = 'N/A';

const RAW = [
  ['name', 'Name'],
  ['driver', 'Driver'],
] as const;

const CLUSTER_COLUMNS = [
  { head: 'VOLUME NAME', field: 'Name' },
  { head: 'GROUP', field: 'Group' },
  { head: 'DRIVER', field: 'Driver' },
  { head: 'AVAILABILITY', field: 'Availability' },
  { head: 'STATUS', field: 'Status' },
] as const;

export const volumeLs: Command = {
  name: 'volume ls',
  summary: 'List volumes',
  usage: '[OPTIONS]',
  examples: ['slipway volume ls', 'slipway volume ls -q -f dangling=true'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'cluster', type: 'boolean', help: 'Show only cluster volumes; there are none' },
    { name: 'filter', short: 'f', type: 'list', placeholder: 'key=value', help: 'dangling=true|false, driver=…, label=…, name=…' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show names only' },
  ],
  async run(ctx, o) {
    const filters = parseFilters(o.list('filter'), VOLUME_FILTERS);
    const found = await matchingVolumes(await ctx.engine(), filters, truthsOf(filters, 'dangling'));
    const rows = found.map((v) => ({
      Availability: UNKNOWN,
      Driver: 'local',
      Group: UNKNOWN,
      Label: labelOf(v.labels),
      Labels: labelsText(v.labels),
      Links: UNKNOWN,
      Mountpoint: v.mountpoint,
      Name: v.name,
      Scope: 'local',
      Size: UNKNOWN,
      Status: UNKNOWN,
    }));
    if (o.bool('quiet')) return void ctx.stdout.write(rows.map((r) => `${r.Name}\n`).join(''));
    if (o.bool('cluster')) return void ctx.stdout.write(renderRows([], CLUSTER_COLUMNS, undefined, RAW));
    const columns = [
      { head: 'DRIVER', field: 'Driver' },
      { head: 'VOLUME NAME', field: 'Name' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, listFormat(ctx, 'volumesFormat', o), RAW, { type: '*formatter.volumeContext' }));
  },
};

export const volumeCreate: Command = {
  name: 'volume create',
  summary: 'Create a volume',
  usage: '[OPTIONS] [VOLUME]',
  examples: [
    'slipway volume create data',
    'slipway volume create --label app=web data',
    'slipway volume create -o type=tmpfs -o device=tmpfs -o o=size=10m scratch',
  ],
  args: { min: 0, max: 1 },
  options: [
    { name: 'driver', short: 'd', type: 'string', placeholder: 'local', help: 'Driver of the volume; only local exists' },
    { name: 'label', type: 'list', placeholder: 'key=value', help: 'Set metadata' },
    { name: 'name', type: 'string', placeholder: 'name', help: 'Same as the argument', hidden: true },
    {
      name: 'opt',
      short: 'o',
      type: 'list',
      placeholder: 'key=value',
      help: 'What to mount as the volume: type=tmpfs, device=tmpfs, o=size=10m',
    },
  ],
  async run(ctx, o, [argument]) {
    const flag = o.string('name') || undefined;
    if (flag !== undefined && argument !== undefined)
      throw new SlipwayError(
        'invalid-argument',
        'cli.volume',
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      );
    const name = argument ?? flag;
    const driver = o.string('driver') ?? 'local';
    if (driver !== 'local')
      throw new SlipwayError(
        'not-found',
        'volume.no-driver',
        `create ${name ?? ''}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
      );
    const options = Object.fromEntries(
      o.list('opt').map((pair): [string, string] => [pair.split('=', 1)[0] ?? '', pair.split(/=(.*)/s)[1] ?? '']),
    );
    const { volumes } = await (await ctx.engine()).containers();
    ctx.stdout.write(`${volumes.create(name, ctx.now(), { labels: containerLabels(o.list('label'), '--label'), options }).name}\n`);
  },
};

export const findVolume: Find = async (engine: Engine, name: string) => {
  const { volumes } = await engine.containers();
  const volume = volumes.list().find((v) => v.name === name);
  return volume && volumeJson(volume);
};

export const volumeInspect: Command = {
  name: 'volume inspect',
  summary: 'Show details of volumes',
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  examples: ['slipway volume inspect data', "slipway volume inspect -f '{{.Mountpoint}}' data"],
  args: { min: 1 },
  options: [{ name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' }],
  run: (ctx, o, args) => show(ctx, o, args, [{ find: findVolume, missing: (name) => `get ${name}: no such volume` }]),
};

export const volumeRm: Command = {
  name: 'volume rm',
  summary: 'Remove volumes',
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  examples: ['slipway volume rm data', 'slipway volume rm data cache'],
  args: { min: 1 },
  options: [{ name: 'force', short: 'f', type: 'boolean', help: 'Ignore missing volumes' }],
  async run(ctx, o, args) {
    const containers = await (await ctx.engine()).containers();
    let failed = 0;
    for (const name of args) {
      try {
        containers.volumes.remove(name);
        ctx.stdout.write(`${name}\n`);
      } catch (e) {
        if (!isSlipwayError(e)) throw e;
        if (e.kind === 'not-found' && o.bool('force')) {
          ctx.stdout.write(`${name}\n`);
          continue;
        }
        failed++;
        ctx.stderr.write(`error: ${e.message}\n`);
      }
    }
    return failed > 0 ? 1 : 0;
  },
};

const PRUNE_FILTERS = new Set(['all', 'label', 'label!']);
const ALL: Option = { name: 'all', short: 'a', type: 'boolean', help: 'Remove named volumes too, not only anonymous ones' };

export const volumePrune: Command = {
  name: 'volume prune',
  summary: 'Remove unused volumes',
  usage: '[OPTIONS]',
  examples: ['slipway volume prune', 'slipway volume prune -af --filter label=scratch'],
  args: { min: 0, max: 0 },
  options: [
    ALL,
    { name: 'filter', type: 'list', placeholder: 'key=value', help: 'label=…, label!=…, all=1' },
    { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask for confirmation' },
  ],
  async run(ctx, o) {
    const filters = parseFilters(o.list('filter'), PRUNE_FILTERS);
    const all = o.bool('all') || (filters.get('all')?.some((v) => /^(?:1|t|true)$/i.test(v)) ?? false);
    const what = all ? 'all local volumes' : 'anonymous local volumes';
    if (!(await confirmed(ctx, o, `This will remove ${what} not used by at least one container.`))) return;
    const { removed, reclaimed } = await pruneVolumes(await ctx.engine(), {
      all,
      labels: filters.get('label') ?? [],
      otherLabels: filters.get('label!') ?? [],
    });
    if (removed.length > 0) ctx.stdout.write(`Deleted Volumes:\n${removed.map((name) => `${name}\n`).join('')}\n`);
    ctx.stdout.write(`Total reclaimed space: ${formatBytes(reclaimed)}\n`);
  },
};
