// `system check`, and the command that writes what is new to the disk after others have ended.
import { checkStore, type Finding } from '../../engine/index.ts';
import type { Command } from '../command.ts';
import { renderRows } from '../format.ts';

const COLUMNS = [
  { head: 'SUBJECT', field: 'Subject' },
  { head: 'ID', field: 'ID' },
  { head: 'PROBLEM', field: 'Problem' },
  { head: 'REPAIRED', field: 'Repaired' },
] as const;

export const systemCheck: Command = {
  name: 'system check',
  summary: 'Check the store, mounts and processes for damage and leftovers',
  usage: '[OPTIONS]',
  examples: ['slipway system check', 'slipway system check --repair', 'slipway system check --format json'],
  args: { min: 0, max: 0 },
  options: [
    {
      name: 'repair',
      type: 'boolean',
      help: 'Remove damaged and leftover data; pull or build damaged images again',
    },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
  ],
  async run(ctx, o) {
    const { findings, repaired, checked } = await checkStore(await ctx.engine(), { repair: o.bool('repair') });
    const left = findings.filter((f) => !repaired.includes(f));
    const row = (f: Finding): Record<string, string> => ({
      Subject: f.subject,
      ID: f.id,
      Problem: f.problem,
      Advice: f.advice ?? '',
      Repaired: repaired.includes(f) ? 'yes' : 'no',
    });
    const format = o.string('format');
    if (findings.length > 0 || format !== undefined) ctx.stdout.write(renderRows(findings.map(row), COLUMNS, format));
    if (format === undefined) {
      const { blobs, snapshots, images, containers } = checked;
      for (const advice of new Set(left.flatMap((f) => f.advice ?? []))) ctx.stderr.write(`hint: ${advice}\n`);
      if (left.length > 0 && !o.bool('repair')) ctx.stderr.write('hint: slipway system check --repair removes what cannot be used\n');
      ctx.stdout.write(
        `Checked ${blobs} blobs, ${snapshots} snapshots, ${images} images, ${containers} containers: ${left.length === 0 ? (findings.length === 0 ? 'no problems' : 'all problems repaired') : `${left.length} problems`}\n`,
      );
    }
    return left.length > 0 ? 1 : 0;
  },
};

export const systemSync: Command = {
  name: 'system sync',
  summary: 'Flush new data to disk',
  usage: '',
  examples: ['slipway system sync'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    (await ctx.engine()).sync();
  },
};
