// Commands that remove what is not used: containers, images, everything. Volumes, networks and the build cache have theirs beside their other commands.
import {
  pruneBuilder,
  pruneContainers,
  type PruneFilter,
  pruneImages,
  pruneNetworks,
  pruneVolumes,
  type Removal,
} from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command, Context, Option, ParsedOptions } from '../command.ts';
import { confirmed } from '../confirm.ts';
import { parseFilters } from '../format.ts';
import { untilOf } from '../until.ts';

const FORCE: Option = { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask for confirmation' };
const ALL: Option = { name: 'all', short: 'a', type: 'boolean', help: 'Remove all unused images, not only untagged ones' };
const FILTER: Option = { name: 'filter', type: 'list', placeholder: 'key=value', help: 'until=24h, label=…, label!=…' };

/** `dangling` says the same as `all` of images, the other way round. */
const FILTERS = new Set(['until', 'label', 'label!']);

function filterOf(ctx: Context, o: ParsedOptions, more: readonly string[] = []): PruneFilter & { dangling?: boolean } {
  const filters = parseFilters(o.list('filter'), new Set([...FILTERS, ...more]));
  const [labels, otherLabels, dangling] = ['label', 'label!', 'dangling'].map((key) => filters.get(key));
  return {
    ...untilOf(ctx, filters.get('until')?.at(-1)),
    ...(labels && { labels }),
    ...(otherLabels && { otherLabels }),
    ...(dangling && { dangling: /^(?:1|t|true)$/i.test(dangling.at(-1) ?? '') }),
  };
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
  summary: 'Remove unused images',
  usage: '[OPTIONS]',
  examples: ['slipway image prune', 'slipway image prune -a -f'],
  args: { min: 0, max: 0 },
  options: [ALL, FILTER, FORCE],
  async run(ctx, o) {
    const { dangling, ...filter } = filterOf(ctx, o, ['dangling']);
    const all = o.bool('all') || dangling === false;
    if (
      !(await confirmed(
        ctx,
        o,
        all ? 'This will remove all images without at least one container associated to them.' : 'This will remove all dangling images.',
      ))
    )
      return;
    const r = await pruneImages(await ctx.engine(), { all, ...filter });
    removals(ctx, r.removed);
    ctx.stdout.write(total(r.reclaimed));
  },
};

export const containerPrune: Command = {
  name: 'container prune',
  summary: 'Remove stopped containers',
  usage: '[OPTIONS]',
  examples: ['slipway container prune -f', 'slipway container prune --filter until=24h'],
  args: { min: 0, max: 0 },
  options: [FILTER, FORCE],
  async run(ctx, o) {
    if (!(await confirmed(ctx, o, 'This will remove all stopped containers.'))) return;
    const r = await pruneContainers(await ctx.engine(), filterOf(ctx, o));
    if (r.removed.length > 0) ctx.stdout.write(`Deleted Containers:\n${r.removed.map((id) => `${id}\n`).join('')}\n`);
    ctx.stdout.write(total(r.reclaimed));
  },
};

/** The kinds of things that go, in the order in which the question lists them. */
function prunedKinds(all: boolean, volumes: boolean): string[] {
  return [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
}

const listed = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');

export const systemPrune: Command = {
  name: 'system prune',
  summary: 'Remove all unused data',
  usage: '[OPTIONS]',
  examples: ['slipway system prune', 'slipway system prune -af', 'slipway system prune -af --volumes'],
  args: { min: 0, max: 0 },
  options: [ALL, FILTER, FORCE, { name: 'volumes', type: 'boolean', help: 'Remove anonymous volumes too' }],
  async run(ctx, o) {
    const [all, volumes] = [o.bool('all'), o.bool('volumes')];
    const filter = filterOf(ctx, o);
    if (volumes && filter.until !== undefined)
      throw new SlipwayError('invalid-argument', 'cli.filter', 'the "until" filter is not supported with "--volumes"');
    const filters = o.list('filter');
    const filtered = filters.length === 0 ? '' : `  Items to be pruned will be filtered with:\n${listed(filters)}\n`;
    if (!(await confirmed(ctx, o, `This will remove:\n${listed(prunedKinds(all, volumes))}\n${filtered}`, ''))) return;
    const engine = await ctx.engine();
    const show = (title: string, names: readonly string[]): void =>
      void (names.length > 0 && ctx.stdout.write(`Deleted ${title}:\n${names.map((name) => `${name}\n`).join('')}\n`));
    const containers = await pruneContainers(engine, filter);
    show('Containers', containers.removed);
    show('Networks', (await pruneNetworks(engine, filter)).removed);
    const gone = volumes ? await pruneVolumes(engine, { ...filter, all: false }) : { removed: [], reclaimed: 0 };
    show('Volumes', gone.removed);
    const images = await pruneImages(engine, { all, ...filter });
    removals(ctx, images.removed);
    const cache = pruneBuilder(engine, { all, ...filter });
    ctx.stdout.write(total(containers.reclaimed + gone.reclaimed + images.reclaimed + cache.reclaimed));
  },
};
