// `image compare`: what the sizes of images mean for moving and keeping them.
import { type Compared, compareImages } from '../../engine/index.ts';
import { parseReference, SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { renderRows } from '../format.ts';

export const imageCompare: Command = {
  name: 'image compare',
  summary: 'Compare the cost of images: disk, push, pull, storage',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  examples: [
    'slipway image compare golang:1.19-bookworm whoami',
    'slipway image compare --to example.azurecr.io/whoami --format json whoami',
  ],
  args: { min: 1 },
  options: [
    { name: 'bandwidth', type: 'string', placeholder: '100Mbit', help: 'Bandwidth for the estimates (100Mbit)' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'price', type: 'string', placeholder: '0.10', help: 'Price of storing a GB for a month (0.10)' },
    { name: 'to', type: 'string', placeholder: 'repository', help: 'Repository that already has some of the layers' },
  ],
  async run(ctx, o, args) {
    const to = o.string('to');
    const compared = await compareImages(await ctx.engine(), args, {
      signal: ctx.signal,
      bandwidth: bandwidth(o.string('bandwidth') ?? '100Mbit'),
      price: price(o.string('price') ?? '0.10'),
      ...(to !== undefined && { repository: parseReference(to) }),
      onCompress: (layer) => void (ctx.stderr.isTTY && ctx.stderr.write(`compressing ${layer.slice(7, 19)} to know its size\n`)),
    });
    const format = o.string('format');
    if (format === 'json') return void ctx.stdout.write(`${JSON.stringify(compared, null, 2)}\n`);
    ctx.stdout.write(renderRows(compared.map(row), COLUMNS, format));
    if (format === undefined || format === 'table') ctx.stdout.write(conclusion(compared));
  },
};

const COLUMNS = [
  { head: 'IMAGE', field: 'Image' },
  { head: 'ON DISK', field: 'Size' },
  { head: 'COMPRESSED', field: 'Compressed' },
  { head: 'LAYERS', field: 'Layers' },
  { head: 'SHARED', field: 'Shared' },
  { head: 'ALREADY THERE', field: 'Present' },
  { head: 'TO PUSH', field: 'ToPush' },
  { head: 'PUSH', field: 'Push' },
  { head: 'PULL', field: 'Pull' },
  { head: 'A MONTH', field: 'Cost' },
] as const;

function row(c: Compared): Record<(typeof COLUMNS)[number]['field'], string> {
  return {
    Image: c.name,
    Size: formatBytes(c.size, 3),
    Compressed: formatBytes(c.compressed, 3),
    Layers: String(c.layers),
    Shared: c.shared === 0 ? '-' : `${c.shared} (${formatBytes(c.sharedBytes, 3)})`,
    Present: formatBytes(c.present, 3),
    ToPush: formatBytes(c.toPush, 3),
    Push: time(c.pushSeconds),
    Pull: time(c.pullSeconds),
    Cost: c.costPerMonth.toFixed(4),
  };
}

function conclusion(compared: readonly Compared[]): string {
  const [largest, ...others] = compared.toSorted((a, b) => b.compressed - a.compressed);
  const smallest = others.at(-1);
  if (largest === undefined || smallest === undefined || largest.compressed === 0) return '';
  const saved = 100 * (1 - smallest.compressed / largest.compressed);
  return `\n${smallest.name} is ${saved.toFixed(1)} % smaller to move than ${largest.name}: ${time(largest.pullSeconds - smallest.pullSeconds)} less for each pull.\n`;
}

function time(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return `${(seconds / 60).toFixed(1)} min`;
}

/** `100Mbit`, `1Gbit`, `500kbit`: bits a second, with decimal multiples. */
function bandwidth(text: string): number {
  const { number, unit = '' } = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[kmg]?)(?:bit|bps|bit\/s)?$/i.exec(text)?.groups ?? {};
  const factor = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[unit.toLowerCase()];
  if (number === undefined || factor === undefined || Number(number) === 0)
    throw new SlipwayError('invalid-argument', 'flag.bandwidth', `invalid bandwidth: ${text}`, {
      hints: ['such as 100Mbit or 1Gbit'],
      exitCode: 125,
    });
  return Number(number) * factor;
}

function price(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text))
    throw new SlipwayError('invalid-argument', 'flag.price', `invalid price: ${text}`, { hints: ['a number such as 0.10'], exitCode: 125 });
  return Number(text);
}
