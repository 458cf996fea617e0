// `system df`: how much room things take, as a summary or, with -v, each by itself.
import { cacheEntries, diskUsage, entryId, imageShares, storeSize, TOUR_STORE, type Engine, volumeSize } from '../../engine/index.ts';
import { familiarName, parseReference, shortDigest } from '../../model/index.ts';
import { formatBytes, humanDuration, printableJson } from '../../util/index.ts';
import type { Command, Context } from '../command.ts';
import { renderRows, type Row } from '../format.ts';
import { goTime } from '../go-time.ts';
import { compileTemplate } from '../template/index.ts';
import { containerRow } from './ps.ts';

const UNKNOWN = 'N/A';

export const systemDf: Command = {
  name: 'system df',
  summary: 'Show disk usage',
  usage: '[OPTIONS]',
  examples: ['slipway system df', 'slipway system df -v'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'verbose', short: 'v', type: 'boolean', help: 'Show each image, container, volume and cache entry' },
  ],
  async run(ctx, o) {
    const engine = await ctx.engine();
    const format = o.string('format');
    const asTable = format === undefined || format === '' || format === 'table';
    if (o.bool('verbose')) await verbose(ctx, engine, asTable ? undefined : format);
    else {
      const rows = (await diskUsage(engine)).map((u) => ({
        Type: u.type,
        TotalCount: String(u.total),
        Active: String(u.active),
        Size: formatBytes(u.size),
        Reclaimable: `${formatBytes(u.reclaimable)}${u.size > 0 && u.type !== 'Build Cache' ? ` (${Math.min(100, Math.floor((100 * u.reclaimable) / u.size))}%)` : ''}`,
      }));
      ctx.stdout.write(renderRows(rows, SUMMARY, format, RAW));
    }
    if (!asTable) return;
    const { root, run } = ctx.settings;
    const { store, tour } = storeSize(engine);
    ctx.stderr.write(`\nOn the disk, with the database and all records: ${formatBytes(store)} in ${root}\n`);
    if (tour > 0)
      ctx.stderr.write(
        `The tour's own store takes ${formatBytes(tour)} more. To remove it:\n  SLIPWAY_ROOT=${root}/${TOUR_STORE} SLIPWAY_RUN=${run}/${TOUR_STORE} slipway system prune -af\n`,
      );
  },
};

const SUMMARY = [
  { head: 'TYPE', field: 'Type' },
  { head: 'TOTAL', field: 'TotalCount' },
  { head: 'ACTIVE', field: 'Active' },
  { head: 'SIZE', field: 'Size' },
  { head: 'RECLAIMABLE', field: 'Reclaimable' },
] as const;

const RAW = [
  ['type', 'Type'],
  ['total', 'TotalCount'],
  ['active', 'Active'],
  ['size', 'Size'],
  ['reclaimable', 'Reclaimable'],
] as const;

const HEADS = {
  Images:
    'Repository:REPOSITORY Tag:TAG ID:IMAGE_ID CreatedSince:CREATED Size:SIZE SharedSize:SHARED_SIZE UniqueSize:UNIQUE_SIZE Containers:CONTAINERS',
  Containers:
    'ID:CONTAINER_ID Image:IMAGE Command:COMMAND LocalVolumes:LOCAL_VOLUMES Size:SIZE RunningFor:CREATED Status:STATUS Names:NAMES',
  Volumes: 'Name:VOLUME_NAME Links:LINKS Size:SIZE',
  BuildCache: 'ID:CACHE_ID CacheType:CACHE_TYPE Size:SIZE CreatedSince:CREATED LastUsedSince:LAST_USED UsageCount:USAGE Shared:SHARED',
} as const;

const columnsOf = (heads: string): { head: string; field: string }[] =>
  heads.split(' ').map((pair) => {
    const [field = '', head = ''] = pair.split(':');
    return { field, head: head.replace('_', ' ') };
  });

type Lists = Record<keyof typeof HEADS, Row[]>;

async function verbose(ctx: Context, engine: Engine, format: string | undefined): Promise<void> {
  const now = ctx.now();
  const lists: Lists = {
    Images: await imageRows(engine, now, format !== undefined),
    Containers: await containerRows(engine, now, format !== undefined),
    Volumes: await volumeRows(engine),
    BuildCache: cacheRows(engine, now),
  };
  if (format === 'json') return void ctx.stdout.write(`${printableJson(JSON.stringify(lists))}\n`);
  if (format !== undefined)
    return void ctx.stdout.write(`${compileTemplate(format.replaceAll('\\t', '\t').replaceAll('\\n', '\n'))(lists)}\n`);
  const part = (title: string, name: keyof typeof HEADS): string =>
    `${title}\n\n${renderRows(lists[name], columnsOf(HEADS[name]), undefined)}`;
  const cache = (await diskUsage(engine)).find((u) => u.type === 'Build Cache');
  ctx.stdout.write(
    [
      part('Images space usage:', 'Images'),
      part('Containers space usage:', 'Containers'),
      part('Local Volumes space usage:', 'Volumes'),
      part(`Build cache usage: ${formatBytes(cache?.size ?? 0)}`, 'BuildCache'),
    ].join('\n'),
  );
}

async function imageRows(engine: Engine, now: number, whole: boolean): Promise<Row[]> {
  const shares = await imageShares(engine);
  return engine.images.list({}).flatMap((i): Row[] => {
    const { shared = 0, unique = 0, containers = 0 } = shares.get(i.id) ?? {};
    const common = {
      Containers: String(containers),
      CreatedAt: i.createdAt === 0 ? UNKNOWN : goTime(i.createdAt),
      CreatedSince: i.createdAt === 0 ? UNKNOWN : `${humanDuration(now - i.createdAt)} ago`,
      Digest: '', // Docker has none here
      ID: whole ? i.id : shortDigest(i.id),
      SharedSize: formatBytes(shared),
      Size: formatBytes(i.size, 3),
      UniqueSize: formatBytes(unique),
      VirtualSize: formatBytes(i.size),
    };
    if (i.names.length === 0) return [{ ...common, Repository: '<none>', Tag: '<none>' }];
    return i.names.map((name) => {
      const reference = parseReference(name);
      return { ...common, Repository: familiarName(reference), Tag: reference.tag ?? '<none>' };
    });
  });
}

async function containerRows(engine: Engine, now: number, whole: boolean): Promise<Row[]> {
  const containers = await engine.containers();
  // a label is no value of a list
  return containers.records.all().map((c) => {
    const { Label: _, ...row } = containerRow(engine, c, { now, whole, sizes: true });
    return { ...row, Size: String(row['Size']).replace(/ .*/, '') };
  });
}

async function volumeRows(engine: Engine): Promise<Row[]> {
  const { volumes, records } = await engine.containers();
  const used = records.all().flatMap((c) => [...new Set(c.mounts.map((m) => m.name))]);
  return volumes.list().map((v) => ({
    Availability: UNKNOWN,
    Driver: 'local',
    Group: UNKNOWN,
    Labels: Object.entries(v.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Links: String(used.filter((name) => name === v.name).length),
    Mountpoint: v.mountpoint,
    Name: v.name,
    Scope: 'local',
    Size: formatBytes(volumeSize(v)),
    Status: UNKNOWN,
  }));
}

const cacheRows = (engine: Engine, now: number): Row[] =>
  cacheEntries(engine).map((e) => ({
    CacheType: e.type,
    CreatedAt: goTime(e.createdAt),
    CreatedSince: `${humanDuration(now - e.createdAt)} ago`,
    Description: e.description,
    ID: entryId(e),
    InUse: String(e.inUse),
    LastUsedAt: goTime(e.usedAt),
    LastUsedSince: `${humanDuration(now - e.usedAt)} ago`,
    Parent: '',
    Shared: String(e.shared),
    Size: formatBytes(e.size),
    UsageCount: String(e.uses),
  }));
