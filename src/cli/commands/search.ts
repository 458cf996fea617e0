// `search`: repositories that a registry finds for a term.
import { type Found, searchImages } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { printable } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { parseFilters, renderRows, truthsOf } from '../format.ts';

const FILTERS = new Set(['is-automated', 'is-official', 'stars']);
/** Those of Docker: what is asked for when nothing is said, and the most. */
const [USUAL, MOST] = [25, 100];
const DESCRIPTION_WIDTH = 45;

export const search: Command = {
  name: 'search',
  summary: 'Search a registry for images',
  usage: '[OPTIONS] TERM',
  examples: ['slipway search busybox', 'slipway search --limit 5 -f is-official=true debian', 'slipway search registry.example.com/app'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'filter', short: 'f', type: 'list', placeholder: 'key=value', help: 'is-official=true|false, stars=N' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'limit', type: 'number', placeholder: 'n', help: 'Show at most n repositories (25)' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate descriptions' },
  ],
  async run(ctx, o, [term = '']) {
    const filters = parseFilters(o.list('filter'), FILTERS);
    const wanted = filterOf(filters);
    const limit = o.number('limit') || USUAL;
    if (limit < 1 || limit > MOST)
      throw new SlipwayError('invalid-argument', 'cli.limit', `limit ${limit} is outside the range of [1, ${MOST}]`);
    if (filters.has('is-automated')) ctx.stderr.write('WARNING: the "is-automated" filter is deprecated: no image is automated any more\n');
    const all = await searchImages(await ctx.engine(), term, { limit, signal: ctx.signal });
    const format = o.string('format');
    const rows = all.filter(wanted).map((one) => row(one, { whole: o.bool('no-trunc'), json: format === 'json' }));
    const columns = [
      { head: 'NAME', field: 'Name' },
      { head: 'DESCRIPTION', field: 'Description' },
      { head: 'STARS', field: 'StarCount' },
      { head: 'OFFICIAL', field: 'IsOfficial' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, format));
  },
};

/** @throws SlipwayError `cli.filter` */
function filterOf(filters: ReadonlyMap<string, readonly string[]>): (one: Found) => boolean {
  const [official, automated] = [truthsOf(filters, 'is-official'), truthsOf(filters, 'is-automated')];
  const stars = (filters.get('stars') ?? []).map((text) => {
    if (/^[-+]?\d+$/.test(text)) return Number(text);
    throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter 'stars=${text}': it is not a number`);
  });
  const least = Math.max(...stars, Number.NEGATIVE_INFINITY);
  return (one) => (official?.includes(one.official) ?? true) && (automated?.includes(false) ?? true) && one.stars >= least;
}

/** In JSON an official one is `true`, elsewhere `[OK]`. */
function row({ name, description, stars, official }: Found, o: { readonly whole: boolean; readonly json: boolean }) {
  const shown = (text: string): string => (o.json ? text : printable(text)); // what is printed as JSON is made safe as a whole
  const line = shown(description.replaceAll('\n', ' ').replaceAll('\r', ''));
  const fields = {
    Description: o.whole || line.length <= DESCRIPTION_WIDTH ? line : `${line.slice(0, DESCRIPTION_WIDTH - 1)}…`,
    IsOfficial: o.json ? String(official) : official ? '[OK]' : '',
    Name: shown(name),
    StarCount: String(stars),
  };
  return Object.defineProperty(fields, 'toJSON', { value: () => ({ ...fields, IsOfficial: String(official) }) });
}
