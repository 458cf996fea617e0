// Commands that take away what is not used: the prunes, and df, which tells what they would bring.
import {
  cacheEntries,
  checkCacheFilter,
  type CacheEntry,
  type CacheFilter,
  diskUsage,
  entryId,
  matchesCache,
  pruneBuilder,
  pruneContainers,
  pruneImages,
} from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Removal } from '../../image/index.ts';
import { formatBytes, humanDuration, parseBytes } from '../../util/index.ts';
import type { Command, Context, Option, ParsedOptions } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { parseFilters, renderRows } from '../format.ts';
import { untilOf } from '../until.ts';
import { table } from '../table.ts';

const FORCE: Option = { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask' };
const ALL: Option = { name: 'all', short: 'a', type: 'boolean', help: 'Everything that is not in use, not only what has no name' };
const FILTER: Option = { name: 'filter', type: 'list', placeholder: 'key=value', help: 'until=24h, label=…' };

function filterOf(ctx: Context, o: ParsedOptions): { until?: number; labels?: string[] } {
  const filters = parseFilters(o.list('filter'));
  for (const key of filters.keys())
    if (key !== 'until' && key !== 'label')
      throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter '${key}'`, { hints: ['filters are until and label'] });
  const labels = filters.get('label');
  return { ...untilOf(ctx, filters.get('until')?.at(-1)), ...(labels && { labels }) };
}

const total = (bytes: number): string => `Total reclaimed space: ${formatBytes(bytes)}\n`;

function removals(ctx: Context, list: readonly Removal[]): void {
  if (list.length === 0) return;
  ctx.stdout.write(
    `Deleted Images:\n${list.map((r) => (r.kind === 'untagged' ? `untagged: ${r.name}\n` : `deleted: ${r.id}\n`)).join('')}\n`,
  );
}

export const imagePrune: Command = {
  name: 'image prune',
  summary: 'Remove images that are not used',
  usage: '[OPTIONS]',
  examples: ['slipway image prune', 'slipway image prune -a -f'],
  args: { min: 0, max: 0 },
  options: [ALL, FILTER, FORCE],
  async run(ctx, o) {
    const all = o.bool('all');
    if (
      !(await confirmed(
        ctx,
        o,
        all ? 'This will remove all images without at least one container associated to them.' : 'This will remove all dangling images.',
      ))
    )
      return;
    const r = await pruneImages(await ctx.engine(), { all, ...filterOf(ctx, o) });
    removals(ctx, r.removed);
    ctx.stdout.write(total(r.reclaimed));
  },
};

export const builderPrune: Command = {
  name: 'builder prune',
  summary: 'Remove what builds have kept',
  usage: '[OPTIONS]',
  examples: [
    'slipway builder prune',
    'slipway builder prune -af',
    'slipway builder prune -f --keep-storage 10gb',
    'slipway builder prune -f --filter type=exec.cachemount',
  ],
  args: { min: 0, max: 0 },
  options: [
    { ...ALL, help: 'Also what images share' },
    {
      name: 'filter',
      type: 'list',
      placeholder: 'key=value',
      help: 'until=24h, unused-for=24h, id=…, type=regular|exec.cachemount, description=…, shared, private, inuse',
    },
    FORCE,
    { name: 'keep-storage', type: 'string', placeholder: 'bytes', help: 'How much may stay; the least recently used goes first' },
    { name: 'max-used-space', type: 'string', placeholder: 'bytes', help: 'The same, as buildx has it' },
    { name: 'verbose', type: 'boolean', help: 'Show each entry in full' },
  ],
  async run(ctx, o) {
    const filter = cacheFilterOf(ctx, o);
    if (!(await confirmed(ctx, o, o.bool('all') ? 'This will remove all build cache.' : 'This will remove all dangling build cache.')))
      return;
    const r = pruneBuilder(await ctx.engine(), filter);
    if (r.removed.length > 0) ctx.stdout.write(cacheTable(r.removed, ctx.now(), o.bool('verbose')));
    ctx.stdout.write(`Total:\t${formatBytes(r.reclaimed)}\n`);
  },
};

/** What of the cache is meant. */
function cacheFilterOf(ctx: Context, o: ParsedOptions): CacheFilter {
  const filters = parseFilters(o.list('filter'));
  const { until } = untilOf(ctx, filters.get('until')?.at(-1) ?? filters.get('unused-for')?.at(-1));
  const match = new Map([...filters].filter(([key]) => key !== 'until' && key !== 'unused-for'));
  const text = o.string('keep-storage') ?? o.string('max-used-space');
  const keep = text === undefined ? undefined : parseBytes(text);
  if (text !== undefined && keep === undefined)
    throw new SlipwayError('invalid-argument', 'cli.size', `invalid size: '${text}'`, { hints: ['a number with a unit, such as 10gb'] });
  const filter = {
    all: o.bool('all'),
    ...(until !== undefined && { until }),
    ...(keep !== undefined && { keep }),
    ...(match.size > 0 && { match }),
  };
  checkCacheFilter(filter);
  return filter;
}

function cacheTable(entries: readonly CacheEntry[], now: number, verbose: boolean): string {
  if (verbose) {
    return entries
      .map(
        (e) =>
          `ID:\t\t${e.id}\nType:\t\t${e.type}\nDescription:\t${e.description}\nSize:\t\t${formatBytes(e.size)}\nShared:\t\t${e.shared}\nCreated at:\t${new Date(e.createdAt).toISOString()}\nLast used:\t${new Date(e.usedAt).toISOString()}\nUsage count:\t${e.uses}\n\n`,
      )
      .join('');
  }
  const rows = entries.map((e) => [
    entryId(e),
    String(!e.inUse),
    `${formatBytes(e.size)}${e.shared ? '*' : ''}`,
    `${humanDuration(now - e.usedAt)} ago`,
  ]);
  return table([['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], ...rows]);
}

export const builderDu: Command = {
  name: 'builder du',
  summary: 'Show how much room the build cache takes',
  usage: '[OPTIONS]',
  examples: ['slipway builder du', 'slipway builder du --verbose', 'slipway builder du --filter type=exec.cachemount'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'filter', type: 'list', placeholder: 'key=value', help: 'As builder prune has them' },
    { name: 'verbose', type: 'boolean', help: 'Show each entry in full' },
  ],
  async run(ctx, o) {
    const filter = cacheFilterOf(ctx, o);
    const entries = cacheEntries(await ctx.engine())
      .filter((e) => matchesCache(e, filter))
      .toReversed();
    const sum = (list: readonly CacheEntry[]): string => formatBytes(list.reduce((n, e) => n + e.size, 0));
    ctx.stdout.write(cacheTable(entries, ctx.now(), o.bool('verbose')));
    const shared = entries.filter((e) => e.shared);
    if (shared.length > 0) ctx.stdout.write(`Shared:\t\t${sum(shared)}\nPrivate:\t${sum(entries.filter((e) => !e.shared))}\n`);
    ctx.stdout.write(`Reclaimable:\t${sum(entries.filter((e) => !e.inUse))}\nTotal:\t\t${sum(entries)}\n`);
  },
};

export const containerPrune: Command = {
  name: 'container prune',
  summary: 'Remove containers that do not run',
  usage: '[OPTIONS]',
  examples: ['slipway container prune -f'],
  args: { min: 0, max: 0 },
  options: [FILTER, FORCE],
  async run(ctx, o) {
    if (!(await confirmed(ctx, o, 'This will remove all stopped containers.'))) return;
    const r = await pruneContainers(await ctx.engine(), filterOf(ctx, o));
    if (r.removed.length > 0) ctx.stdout.write(`Deleted Containers:\n${r.removed.map((id) => `${id}\n`).join('')}\n`);
    ctx.stdout.write(total(r.reclaimed));
  },
};

export const systemPrune: Command = {
  name: 'system prune',
  summary: 'Remove everything that is not used',
  usage: '[OPTIONS]',
  examples: ['slipway system prune', 'slipway system prune -af'],
  args: { min: 0, max: 0 },
  options: [ALL, FILTER, FORCE],
  async run(ctx, o) {
    const all = o.bool('all');
    if (
      !(await confirmed(
        ctx,
        o,
        `This will remove:\n  - all stopped containers\n  - all ${all ? 'images without at least one container associated to them' : 'dangling images'}\n  - ${all ? 'all' : 'unused'} build cache\n`,
      ))
    )
      return;
    const engine = await ctx.engine();
    const filter = filterOf(ctx, o);
    const containers = await pruneContainers(engine, filter);
    if (containers.removed.length > 0) ctx.stdout.write(`Deleted Containers:\n${containers.removed.map((id) => `${id}\n`).join('')}\n`);
    const images = await pruneImages(engine, { all, ...filter });
    removals(ctx, images.removed);
    const cache = pruneBuilder(engine, { all, ...filter });
    ctx.stdout.write(total(containers.reclaimed + images.reclaimed + cache.reclaimed));
  },
};

export const systemDf: Command = {
  name: 'system df',
  summary: 'Show how much room things take',
  usage: '[OPTIONS]',
  examples: ['slipway system df'],
  args: { min: 0, max: 0 },
  options: [{ name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' }],
  async run(ctx, o) {
    const rows = (await diskUsage(await ctx.engine())).map((u) => ({
      Type: u.type,
      TotalCount: String(u.total),
      Active: String(u.active),
      Size: formatBytes(u.size),
      Reclaimable: `${formatBytes(u.reclaimable)}${u.size > 0 && u.type !== 'Build Cache' ? ` (${Math.min(100, Math.floor((100 * u.reclaimable) / u.size))}%)` : ''}`,
    }));
    const columns = [
      { head: 'TYPE', field: 'Type' },
      { head: 'TOTAL', field: 'TotalCount' },
      { head: 'ACTIVE', field: 'Active' },
      { head: 'SIZE', field: 'Size' },
      { head: 'RECLAIMABLE', field: 'Reclaimable' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, o.string('format')));
  },
};
