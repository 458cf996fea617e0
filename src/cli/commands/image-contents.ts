// `image size`, `image lean` and `image tree`: what images consist of.
import { type Ballast, type ImageSize, imageSize, imageTree, type ImageTreeNode, leanness } from '../../engine/index.ts';
import { familiarReference, parseReference, shortDigest, SlipwayError } from '../../model/index.ts';
import { formatBytes, printableJson } from '../../util/index.ts';
import { barsFor } from '../bars.ts';
import type { Command, Context, Option } from '../command.ts';
import { table } from '../table.ts';

const JSON_OPTION: Option = { name: 'json', type: 'boolean', help: 'Print everything as JSON, sizes in bytes' };
/** Characters of an instruction in a table. */
const INSTRUCTION_WIDTH = 72;

export const size: Command = {
  name: 'image size',
  summary: 'Show the size of an image by layer, path, duplicate and cache',
  usage: '[OPTIONS] IMAGE',
  examples: ['slipway image size whoami', 'slipway image size --top 30 golang:1.19-bookworm', 'slipway image size --json whoami'],
  args: { min: 1, max: 1 },
  options: [JSON_OPTION, { name: 'top', type: 'number', placeholder: '10', help: 'Number of paths in each list (10)' }],
  async run(ctx, o, args) {
    const top = o.number('top') ?? 10;
    if (!Number.isInteger(top) || top < 0)
      throw new SlipwayError('invalid-argument', 'cli.top', `--top ${top} is not a number of paths`, { exitCode: 125 });
    const measured = await imageSize(await ctx.engine(), args[0] ?? '', { top, signal: ctx.signal });
    ctx.stdout.write(o.bool('json') ? asJson(measured) : sizeText(ctx, measured));
  },
};

export const lean: Command = {
  name: 'image lean',
  summary: 'Report build-time files in an image, and the stage where they belong',
  usage: '[OPTIONS] IMAGE',
  examples: ['slipway image lean app', 'slipway image lean --json app'],
  args: { min: 1, max: 1 },
  options: [JSON_OPTION],
  async run(ctx, o, args) {
    const found = await leanness(await ctx.engine(), args[0] ?? '', { signal: ctx.signal });
    if (o.bool('json')) return void ctx.stdout.write(asJson(found));
    if (found.ballast.length === 0)
      return void ctx.stdout.write(
        `${found.name} carries nothing that only a build needs, as far as its paths tell (${formatBytes(found.size, 3)}).\n`,
      );
    const share = percent(found.ballastBytes, found.size);
    ctx.stdout.write(
      `${found.name}: ${formatBytes(found.ballastBytes, 3)} of ${formatBytes(found.size, 3)} (${share}) only a build needs, as its paths tell.\n\n`,
    );
    const rows = found.ballast.map((b) => [formatBytes(b.size, 3), String(b.files), b.what, String(b.layer + 1), b.belongs]);
    const shares = found.ballast.map((b) => b.size / found.size);
    ctx.stdout.write(withBars(ctx, table([['SIZE', 'FILES', 'WHAT', 'LAYER', 'BELONGS IN'], ...rows]), shares));
    ctx.stdout.write(`\n${adviceText(found.ballast)}`);
  },
};

export const tree: Command = {
  name: 'image tree',
  summary: 'Show images as a tree of shared layers',
  usage: '[OPTIONS]',
  examples: ['slipway image tree', 'slipway image tree --all'],
  args: { min: 0, max: 0 },
  options: [{ name: 'all', short: 'a', type: 'boolean', help: 'Show intermediate images of the original engine too' }, JSON_OPTION],
  async run(ctx, o) {
    const roots = imageTree(await ctx.engine(), { all: o.bool('all') });
    if (o.bool('json')) return void ctx.stdout.write(asJson(roots));
    ctx.stdout.write(table([['IMAGE', 'ID', 'SIZE', 'ADDS', 'LAYERS'], ...treeRows(roots, '', true)]));
  },
};

const asJson = (value: unknown): string => `${printableJson(JSON.stringify(value, null, 2))}\n`;
const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)} %`;

function sizeText(ctx: Context, m: ImageSize): string {
  const rows = m.layers.map((l, n) => [
    String(n + 1),
    formatBytes(l.size, 3),
    percent(l.size, m.size),
    String(l.files),
    l.base ?? l.stage ?? '',
    cut(l.instruction),
  ]);
  const layers = withBars(
    ctx,
    table([['LAYER', 'SIZE', 'SHARE', 'FILES', 'FROM', 'INSTRUCTION'], ...rows]),
    m.layers.map((l) => (m.size === 0 ? 0 : l.size / m.size)),
  );
  const paths = (list: readonly { readonly path: string; readonly size: number }[]): string =>
    withBars(
      ctx,
      table(list.map((f) => [formatBytes(f.size, 3), f.path])),
      list.map((f) => (m.size === 0 ? 0 : f.size / m.size)),
      0,
    );
  const sections = [
    `${m.name}: ${formatBytes(m.size, 3)} in ${m.layers.length} layer${m.layers.length === 1 ? '' : 's'}\n\n${layers}`,
    section('Largest folders', paths(m.largestFolders)),
    section('Largest files', paths(m.largestFiles)),
    section(
      `Replaced or deleted by a later layer, and sent all the same: ${formatBytes(m.hiddenBytes, 3)}`,
      table(m.hidden.map((h) => [formatBytes(h.size, 3), h.path, `layer ${h.layer + 1}, ${h.how} by layer ${h.by + 1}`])),
    ),
    section(
      `There more than once: ${formatBytes(m.duplicateBytes, 3)}`,
      table(m.duplicates.map((d) => [formatBytes(d.size, 3), `${d.paths.length} times`, d.paths.slice(0, 3).join(', ')])),
    ),
    section(
      `Caches of package managers: ${formatBytes(m.cacheBytes, 3)}`,
      table(m.caches.map((c) => [formatBytes(c.size, 3), c.what, `layer ${c.layer + 1}`, c.advice])),
    ),
  ];
  return sections.filter((s) => s !== '').join('\n');
}

const section = (title: string, text: string): string => (text === '' ? '' : `${title}\n\n${text}`);

/** The lines of a table with a bar before each; `heading` lines come first and have none. */
function withBars(ctx: Context, text: string, shares: readonly number[], heading = 1): string {
  const bar = barsFor(ctx);
  if (bar === undefined) return text;
  const blank = ' '.repeat(bar(0).replace(/^\u001b\[32m|\u001b\[0m$/g, '').length);
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, n) => `${n < heading ? blank : bar(shares[n - heading] ?? 0)}  ${line}\n`).join('');
}

/** Each way out once, with all that it would save and the largest paths. */
function adviceText(ballast: readonly Ballast[]): string {
  const ways = new Map<string, Ballast[]>();
  for (const b of ballast) ways.set(b.advice, [...(ways.get(b.advice) ?? []), b]);
  return [...ways]
    .map(([advice, of]) => {
      const [first] = of;
      const saved = formatBytes(
        of.reduce((sum, b) => sum + b.size, 0),
        3,
      );
      const layers = [...new Set(of.map((b) => b.layer + 1))].sort((a, b) => a - b).join(', ');
      return `Layer ${layers} (${cut(first?.step.instruction || 'no instruction known')}): ${advice}; saves ${saved}, such as ${first?.examples[0] ?? ''}\n`;
    })
    .join('');
}

function treeRows(nodes: readonly ImageTreeNode[], indent: string, top = false): string[][] {
  return nodes.flatMap((n, i) => {
    const last = i === nodes.length - 1;
    const name = n.id === undefined ? '(shared layers)' : n.names.map((x) => familiarReference(parseReference(x))).join(', ') || '<none>';
    const row = [
      `${indent}${top ? '' : last ? '└─ ' : '├─ '}${name}`,
      n.id === undefined ? '' : shortDigest(n.id),
      formatBytes(n.size, 3),
      formatBytes(n.adds, 3),
      String(n.layers),
    ];
    return [row, ...treeRows(n.children, top ? '' : `${indent}${last ? '   ' : '│  '}`)];
  });
}

/** On one line, and not too long. */
function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= INSTRUCTION_WIDTH ? line : `${line.slice(0, INSTRUCTION_WIDTH - 1)}…`;
}
