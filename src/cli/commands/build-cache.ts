// Commands on the build cache: du, which shows what it holds, and prune.
import {
  cacheEntries,
  type CacheEntry,
  type CacheFilter,
  checkCacheFilter,
  entryId,
  matchesCache,
  pruneBuilder,
  type ProjectUse,
  usesByProject,
} from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { formatBytes, humanDuration, parseBytes } from '../../util/index.ts';
import { resolve } from 'node:path';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { parseFilters, renderRows } from '../format.ts';
import { goTime } from '../go-time.ts';
import { table } from '../table.ts';
import { untilOf } from '../until.ts';

const COLUMNS = [
  { head: 'ID', field: 'ID' },
  { head: 'RECLAIMABLE', field: 'Reclaimable' },
  { head: 'SIZE', field: 'Size' },
  { head: 'LAST ACCESSED', field: 'LastUsedAt' },
] as const;

const PROJECT_COLUMNS = [
  { head: 'PROJECT', field: 'Project' },
  { head: 'ENTRIES', field: 'Entries' },
  { head: 'SIZE', field: 'Size' },
  { head: 'LAST ACCESSED', field: 'LastUsedAt' },
] as const;

export const builderPrune: Command = {
  name: 'builder prune',
  summary: 'Remove build cache',
  usage: '[OPTIONS]',
  examples: [
    'slipway builder prune',
    'slipway builder prune -af',
    'slipway builder prune -f --keep-storage 10gb',
    'slipway builder prune -f --filter type=exec.cachemount',
    'slipway builder prune -af --filter project=.',
  ],
  args: { min: 0, max: 0 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Include entries that images share' },
    {
      name: 'filter',
      type: 'list',
      placeholder: 'key=value',
      help: 'until=24h, unused-for=24h, project=FOLDER|DOCKERFILE|REPOSITORY, id=…, type=regular|exec.cachemount, description=…, shared, private, inuse',
    },
    { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask for confirmation' },
    { name: 'keep-storage', type: 'string', placeholder: 'bytes', help: 'Amount to keep, evicting the least recently used first' },
    { name: 'reserved-space', type: 'string', placeholder: 'bytes', help: 'Same as --keep-storage' },
    { name: 'max-used-space', type: 'string', placeholder: 'bytes', help: 'Maximum size of the cache afterwards' },
    { name: 'min-free-space', type: 'string', placeholder: 'bytes', help: 'Free disk space to reach' },
    { name: 'verbose', type: 'boolean', help: 'Show every field of each entry' },
  ],
  async run(ctx, o) {
    const filter = cacheFilterOf(ctx, o);
    if (!(await confirmed(ctx, o, `This will remove all ${o.bool('all') ? '' : 'dangling '}build cache.`, ' '))) return;
    const r = pruneBuilder(await ctx.engine(), filter);
    if (r.removed.length > 0) ctx.stdout.write(cacheTable(r.removed, ctx.now(), o.bool('verbose')));
    ctx.stdout.write(`Total:\t${formatBytes(r.reclaimed)}\n`);
  },
};

/** What of the cache is meant. */
function cacheFilterOf(ctx: Context, o: ParsedOptions): CacheFilter {
  const filters = parseFilters(o.list('filter'));
  const { until } = untilOf(ctx, filters.get('until')?.at(-1) ?? filters.get('unused-for')?.at(-1));
  const match = new Map(
    [...filters]
      .filter(([key]) => key !== 'until' && key !== 'unused-for')
      .map(
        ([key, values]) =>
          [key, key === 'project' ? values.map((v) => (/^\.{0,2}\/|^\.{1,2}$/.test(v) ? resolve(ctx.cwd, v) : v)) : values] as const,
      ),
  );
  const [reserved, most, free] = [
    sizeOf(o, 'keep-storage') ?? sizeOf(o, 'reserved-space'),
    sizeOf(o, 'max-used-space'),
    sizeOf(o, 'min-free-space'),
  ];
  const filter = {
    all: o.bool('all'),
    ...(until !== undefined && { until }),
    ...(reserved !== undefined && { reserved }),
    ...(most !== undefined && { most }),
    ...(free !== undefined && { free }),
    ...(match.size > 0 && { match }),
  };
  checkCacheFilter(filter);
  return filter;
}

function sizeOf(o: ParsedOptions, flag: string): number | undefined {
  const text = o.string(flag);
  const bytes = text === undefined ? undefined : parseBytes(text);
  if (text !== undefined && bytes === undefined)
    throw new SlipwayError('invalid-argument', 'cli.size', `invalid size: '${text}'`, { hints: ['a number with a unit, such as 10gb'] });
  return bytes;
}

const ago = (e: CacheEntry, now: number): string => `${humanDuration(now - e.usedAt)} ago`;

function rowOf(e: CacheEntry, now: number): Record<string, string | boolean | number | readonly string[]> {
  return {
    ID: entryId(e),
    Parents: [],
    CreatedAt: goTime(e.createdAt),
    Mutable: e.type !== 'regular',
    Reclaimable: !e.inUse,
    Shared: e.shared,
    Size: formatBytes(e.size),
    Description: e.description,
    Project: e.project ?? '',
    UsageCount: e.uses,
    LastUsedAt: ago(e, now),
    Type: e.type,
  };
}

function cacheTable(entries: readonly CacheEntry[], now: number, verbose: boolean): string {
  if (verbose) {
    const fields = (e: CacheEntry): [string, string | boolean | number][] => [
      ['ID', e.id],
      ['Created at', goTime(e.createdAt)],
      ['Mutable', e.type !== 'regular'],
      ['Reclaimable', !e.inUse],
      ['Shared', e.shared],
      ['Size', formatBytes(e.size)],
      ['Description', e.description],
      ...(e.project === undefined ? [] : [['Project', e.project] as [string, string]]),
      ['Usage count', e.uses],
      ['Last used', ago(e, now)],
      ['Type', e.type],
    ];
    return entries
      .map(
        (e) =>
          `${fields(e)
            .map(([name, value]) => `${`${name}:`.padEnd(13)} ${value}\n`)
            .join('')}\n`,
      )
      .join('');
  }
  const rows = entries.map((e) => [entryId(e), String(!e.inUse), `${formatBytes(e.size)}${e.shared ? '*' : ''}`, ago(e, now)]);
  return table([['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], ...rows]);
}

function projectTable(ctx: Context, o: ParsedOptions, entries: readonly CacheEntry[]): string {
  if (o.bool('verbose')) throw new SlipwayError('invalid-argument', 'flag.conflict', 'conflicting options: --by-project and --verbose');
  const row = (u: ProjectUse): Record<(typeof PROJECT_COLUMNS)[number]['field'], string> => ({
    Project: u.project ?? '<unknown>',
    Entries: String(u.entries),
    Size: formatBytes(u.size),
    LastUsedAt: `${humanDuration(ctx.now() - u.usedAt)} ago`,
  });
  return renderRows(usesByProject(entries).map(row), PROJECT_COLUMNS, o.string('format') || 'table');
}

export const builderDu: Command = {
  name: 'builder du',
  summary: 'Show the size of the build cache',
  usage: '[OPTIONS]',
  examples: ['slipway builder du', 'slipway builder du --by-project', 'slipway builder du --verbose --filter project=.'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'by-project', type: 'boolean', help: 'Show how much each Dockerfile or repository brought, the largest first' },
    { name: 'filter', type: 'list', placeholder: 'key=value', help: 'Same filters as builder prune' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'verbose', type: 'boolean', help: 'Show every field of each entry' },
  ],
  async run(ctx, o) {
    const filter = cacheFilterOf(ctx, o);
    const entries = cacheEntries(await ctx.engine())
      .filter((e) => matchesCache(e, filter))
      .toReversed();
    if (o.bool('by-project')) return void ctx.stdout.write(projectTable(ctx, o, entries));
    const format = o.string('format');
    if (format !== undefined && format !== '' && format !== 'table')
      return void ctx.stdout.write(
        renderRows(
          entries.map((e) => rowOf(e, ctx.now())),
          COLUMNS,
          format,
        ),
      );
    const sum = (list: readonly CacheEntry[]): string => formatBytes(list.reduce((n, e) => n + e.size, 0));
    ctx.stdout.write(cacheTable(entries, ctx.now(), o.bool('verbose')));
    const shared = entries.filter((e) => e.shared);
    if (shared.length > 0) ctx.stdout.write(`Shared:\t\t${sum(shared)}\nPrivate:\t${sum(entries.filter((e) => !e.shared))}\n`);
    ctx.stdout.write(`Reclaimable:\t${sum(entries.filter((e) => !e.inUse))}\nTotal:\t\t${sum(entries)}\n`);
  },
};
