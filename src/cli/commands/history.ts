// `builder history` and `builder why`: builds that were, and what they did.
import { buildHistory, type ShownBuild } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { humanDuration, nearest } from '../../util/index.ts';
import type { Command, Option } from '../command.ts';
import { parseFilters } from '../format.ts';
import { seconds } from '../progress/display.ts';
import { summaryText } from '../progress/summary.ts';
import { table } from '../table.ts';

const FORMAT: Option = { name: 'format', type: 'string', placeholder: 'table|json', help: 'Form of the output' };
const STATUS = { running: 'Running', completed: 'Completed', error: 'Error', canceled: 'Canceled' } as const;

const row = ({ record, summary }: ShownBuild, now: number): string[] => [
  record.ref,
  record.name,
  STATUS[record.status],
  String(summary.ran + summary.cached),
  String(summary.cached),
  `${humanDuration(now - record.startedAt)} ago`,
  seconds(summary.wallMs),
];

export const historyLs: Command = {
  name: 'builder history',
  summary: 'List builds',
  usage: '[OPTIONS]',
  examples: ['slipway builder history', 'slipway builder history --filter status=error', 'slipway builder history --format json'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'filter', type: 'list', placeholder: 'key=value', help: 'status=completed|error|canceled|running, name=…, ref=…' },
    FORMAT,
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Only the refs' },
  ],
  async run(ctx, o) {
    const filters = parseFilters(o.list('filter'));
    for (const key of filters.keys())
      if (!['status', 'name', 'ref'].includes(key))
        throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter '${key}'`, {
          hints: ['filters are status, name and ref'],
        });
    const asked = (key: string, value: string): boolean => filters.get(key)?.some((f) => value.includes(f)) ?? true;
    const history = await buildHistory(await ctx.engine(), ctx.now());
    const builds = history.list().filter(({ record: r }) => asked('status', r.status) && asked('name', r.name) && asked('ref', r.ref));
    if (o.bool('quiet')) ctx.stdout.write(builds.map((b) => `${b.record.ref}\n`).join(''));
    else if (o.string('format') === 'json') ctx.stdout.write(builds.map((b) => `${JSON.stringify(summaryOf(b))}\n`).join(''));
    else
      ctx.stdout.write(
        table([['BUILD ID', 'NAME', 'STATUS', 'STEPS', 'CACHED', 'CREATED AT', 'DURATION'], ...builds.map((b) => row(b, ctx.now()))]),
      );
  },
};

const summaryOf = ({ record, summary }: ShownBuild): object => {
  const { steps: _, owner: __, ...rest } = record;
  return { ...rest, ...summary };
};

export const historyInspect: Command = {
  name: 'builder history inspect',
  summary: 'Show the steps and times of a build',
  usage: '[OPTIONS] [BUILD]',
  examples: ['slipway builder history inspect', 'slipway builder history inspect ^1', 'slipway builder history inspect --format json'],
  args: { min: 0, max: 1 },
  options: [FORMAT],
  async run(ctx, o, [ref = '^0']) {
    const build = (await buildHistory(await ctx.engine(), ctx.now())).find(ref);
    const { record, summary } = build;
    if (o.string('format') === 'json') {
      ctx.stdout.write(`${JSON.stringify({ ...record, summary }, null, 2)}\n`);
      return;
    }
    const head = [
      ['Build:', record.ref],
      ['Name:', record.name],
      ['Engine:', record.engine],
      ['Status:', record.error === undefined ? STATUS[record.status] : `${STATUS[record.status]}: ${record.error}`],
      ['Started:', new Date(record.startedAt).toISOString()],
      ...(record.tags.length > 0 ? [['Tags:', record.tags.join(', ')]] : []),
      ...(record.images.length > 0 ? [['Image:', record.images.join(', ')]] : []),
      ...(record.skipped.length > 0 ? [['Skipped:', record.skipped.map((s) => s.stage).join(', ')]] : []),
    ];
    const took = (s: (typeof record.steps)[number]): string =>
      s.state === 'cached'
        ? `cached${s.savedMs === undefined ? '' : ` (${seconds(s.savedMs)})`}`
        : seconds((s.endedAt ?? 0) - (s.startedAt ?? s.endedAt ?? 0));
    const steps = record.steps.map((s, i) => [
      `#${i + 1}`,
      s.name,
      s.state === 'done' || s.state === 'cached' ? took(s) : `${s.state} ${took(s)}`,
    ]);
    ctx.stdout.write(`${table(head)}\n${table([['STEP', 'NAME', 'TIME'], ...steps])}\n${summaryText(summary)}`);
  },
};

export const historyLogs: Command = {
  name: 'builder history logs',
  summary: 'Show what the steps of a build wrote',
  usage: '[BUILD]',
  examples: ['slipway builder history logs', 'slipway builder history logs ^1'],
  args: { min: 0, max: 1 },
  options: [],
  async run(ctx, _o, [ref = '^0']) {
    const history = await buildHistory(await ctx.engine(), ctx.now());
    ctx.stdout.write(history.log(history.find(ref).record.ref));
  },
};

export const historyRm: Command = {
  name: 'builder history rm',
  summary: 'Forget builds',
  usage: '[OPTIONS] [BUILD...]',
  examples: ['slipway builder history rm ^0', 'slipway builder history rm --all'],
  args: { min: 0 },
  options: [{ name: 'all', short: 'a', type: 'boolean', help: 'All that do not run' }],
  async run(ctx, o, refs) {
    if (!o.bool('all') && refs.length === 0)
      throw new SlipwayError('invalid-argument', 'cli.args', 'slipway builder history rm needs a build, or --all', {
        hints: ['slipway builder history lists them'],
      });
    const history = await buildHistory(await ctx.engine(), ctx.now());
    const removed = history.remove(o.bool('all') ? 'all' : refs.map((ref) => history.find(ref).record.ref));
    ctx.stdout.write(removed.map((ref) => `${ref}\n`).join(''));
  },
};

export const why: Command = {
  name: 'builder why',
  summary: 'Say why a step of a build ran',
  usage: 'BUILD STEP',
  examples: ['slipway builder why ^0 "[build 2/3]"', 'slipway builder why ^0 "go build"', 'slipway builder why 3f2 5'],
  args: { min: 2, max: 2 },
  options: [],
  async run(ctx, _o, [ref = '', wanted = '']) {
    const { record } = (await buildHistory(await ctx.engine(), ctx.now())).find(ref);
    const number = /^#?(\d+)$/.exec(wanted)?.[1];
    const found =
      number === undefined ? record.steps.filter((s) => s.name.includes(wanted)) : record.steps.slice(Number(number) - 1, Number(number));
    const [step] = found;
    if (step === undefined || found.length > 1) {
      const near = nearest(
        wanted,
        record.steps.map((s) => s.name),
      );
      throw new SlipwayError(
        'not-found',
        'build.no-step',
        found.length > 1 ? `several steps of the build match ${JSON.stringify(wanted)}` : `the build has no step ${JSON.stringify(wanted)}`,
        {
          hints: [
            near === undefined
              ? `slipway builder history inspect ${ref} lists them with their numbers`
              : `did you mean ${JSON.stringify(near)}?`,
          ],
        },
      );
    }
    ctx.stdout.write(
      `${step.name}\n${answer(step, record.engine)
        .map((line) => `  ${line}\n`)
        .join('')}`,
    );
  },
};

function answer(step: ShownBuild['record']['steps'][number], engine: 'graph' | 'classic'): readonly string[] {
  if (step.state === 'cached') return ['it did not run: its result came from the cache'];
  if (step.why !== undefined) return step.why;
  if (engine === 'classic') return ['the original engine keeps no reasons; it looks for an image with the same parent and instruction'];
  return [
    step.inputs.length === 0 ? 'it brings in what others read, and is done in every build' : 'no earlier build of this Dockerfile had it',
  ];
}
