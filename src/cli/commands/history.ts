// `builder history` and `builder why`: builds that were, and what they did.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildHistory, type ShownBuild } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { humanDuration, nearest } from '../../util/index.ts';
import { span } from '../bars.ts';
import type { Command, Context, Option } from '../command.ts';
import { parseFilters, renderRows } from '../format.ts';
import { compileTemplate } from '../template/index.ts';
import { seconds } from '../progress/display.ts';
import { summaryText } from '../progress/summary.ts';
import { table } from '../table.ts';

type Step = ShownBuild['record']['steps'][number];

const FORMAT: Option = { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' };
const STATUS = { running: 'Running', completed: 'Completed', error: 'Error', canceled: 'Canceled' } as const;

/** To this the names of a list are cut. */
const NAME_WIDTH = 40;

const row = ({ record, summary }: ShownBuild, now: number, whole: boolean): string[] => [
  record.ref,
  whole || record.name.length <= NAME_WIDTH ? record.name : `${record.name.slice(0, NAME_WIDTH - 1)}…`,
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
    { name: 'local', type: 'boolean', help: 'Only builds of the repository of the current folder' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate names' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print only the refs' },
  ],
  async run(ctx, o) {
    const format = o.string('format');
    const filters = parseFilters(o.list('filter'));
    for (const key of filters.keys())
      if (!['status', 'name', 'ref'].includes(key))
        throw new SlipwayError('invalid-argument', 'cli.filter', `invalid filter '${key}'`, {
          hints: ['filters are status, name and ref'],
        });
    const asked = (key: string, value: string): boolean => filters.get(key)?.some((f) => value.includes(f)) ?? true;
    const here = o.bool('local') ? repositoryOf(ctx.cwd) : undefined;
    const history = await buildHistory(await ctx.engine(), ctx.now());
    const builds = history
      .list()
      .filter(
        ({ record: r }) =>
          asked('status', r.status) &&
          asked('name', r.name) &&
          asked('ref', r.ref) &&
          (here === undefined || `${r.identity}/`.startsWith(`${here}/`) || r.identity.startsWith(`${here} `)),
      );
    if (o.bool('quiet')) ctx.stdout.write(builds.map((b) => `${b.record.ref}\n`).join(''));
    else if (format === 'json') ctx.stdout.write(builds.map((b) => `${JSON.stringify(summaryOf(b))}\n`).join(''));
    else if (format !== undefined && format !== '' && format !== 'table')
      ctx.stdout.write(
        renderRows(
          builds.map((b) => fieldsOf(b, ctx.now())),
          FIELDS,
          format,
        ),
      );
    else
      ctx.stdout.write(
        table([
          ['BUILD ID', 'NAME', 'STATUS', 'STEPS', 'CACHED', 'CREATED AT', 'DURATION'],
          ...builds.map((b) => row(b, ctx.now(), o.bool('no-trunc'))),
        ]),
      );
  },
};

/** The nearest folder upwards that is a repository, or the folder itself. */
function repositoryOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return folder;
  }
}

const FIELDS = [
  { head: 'BUILD ID', field: 'Ref' },
  { head: 'NAME', field: 'Name' },
  { head: 'STATUS', field: 'Status' },
  { head: 'CREATED AT', field: 'CreatedAt' },
  { head: 'DURATION', field: 'Duration' },
] as const;

const fieldsOf = ({ record, summary }: ShownBuild, now: number): Record<string, string> => ({
  Ref: record.ref,
  Name: record.name,
  Status: STATUS[record.status],
  CreatedAt: `${humanDuration(now - record.startedAt)} ago`,
  Duration: seconds(summary.wallMs),
});

/** What buildx tells of one build, in its words. */
const detailsOf = ({ record, summary }: ShownBuild): Record<string, unknown> => {
  const iso = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());
  const [context = '', dockerfile = ''] = record.identity.split(' ');
  return {
    Name: record.name,
    Ref: record.ref,
    Context: context,
    Dockerfile: dockerfile,
    Target: record.target ?? '',
    StartedAt: iso(record.startedAt),
    CompletedAt: iso(record.finishedAt),
    // nanoseconds, as Go's
    Duration: Math.round(summary.wallMs * 1e6),
    Status: record.status === 'error' ? 'failed' : record.status,
    Error: { Message: record.error ?? '' },
    NumCompletedSteps: summary.ran + summary.cached,
    NumTotalSteps: record.steps.length,
    NumCachedSteps: summary.cached,
  };
};

const summaryOf = ({ record, summary }: ShownBuild): object => {
  const { steps: _, owner: __, ...rest } = record;
  return {
    ...rest,
    ...summary,
    created_at: new Date(record.startedAt).toISOString(),
    ...(record.finishedAt !== undefined && { completed_at: new Date(record.finishedAt).toISOString() }),
    total_steps: record.steps.length,
    completed_steps: summary.ran + summary.cached,
    cached_steps: summary.cached,
  };
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
    const format = o.string('format');
    if (format === 'json') {
      ctx.stdout.write(`${JSON.stringify({ ...detailsOf(build), ...record, summary }, null, 2)}\n`);
      return;
    }
    if (format !== undefined && format !== '' && format !== 'table')
      return void ctx.stdout.write(`${compileTemplate(format, 'template parsing error')(detailsOf(build))}\n`);
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
    const bars = waterfall(ctx, build);
    const steps = record.steps.map((s, i) => [
      `#${i + 1}`,
      bars === undefined || s.name.length <= bars.room ? s.name : `${s.name.slice(0, bars.room - 1)}…`,
      ...(bars === undefined ? [] : [bars.of(s)]),
      s.state === 'done' || s.state === 'cached' ? took(s) : `${s.state} ${took(s)}`,
    ]);
    const columns = ['STEP', 'NAME', ...(bars === undefined ? [] : ['WHEN']), 'TIME'];
    ctx.stdout.write(`${table(head)}\n${table([columns, ...steps])}\n${summaryText(summary)}`);
  },
};

/** On a terminal, when each step ran; `room` is what is left for names. */
function waterfall(ctx: Context, { record, summary }: ShownBuild): { readonly room: number; readonly of: (s: Step) => string } | undefined {
  if (!ctx.stdout.isTTY) return undefined;
  const columns = ctx.stdout.columns ?? 80;
  const width = Math.max(10, Math.min(40, Math.floor(columns / 3)));
  const share = (at: number): number => (at - record.startedAt) / Math.max(1, summary.wallMs);
  return {
    room: Math.max(16, columns - width - 30),
    of: (s) => (s.startedAt === undefined ? '' : span(share(s.startedAt), share(s.endedAt ?? s.startedAt), width)),
  };
}

export const historyLogs: Command = {
  name: 'builder history logs',
  summary: 'Show the logs of a build',
  usage: '[OPTIONS] [BUILD]',
  examples: ['slipway builder history logs', 'slipway builder history logs ^1'],
  args: { min: 0, max: 1 },
  options: [{ name: 'progress', type: 'string', placeholder: 'plain', help: 'Format of the log; only plain text is stored' }],
  async run(ctx, o, [ref = '^0']) {
    const form = o.string('progress') ?? 'plain';
    if (form !== 'plain' && form !== 'auto')
      throw new SlipwayError('unsupported', 'cli.progress', `the log of a past build is kept as plain text, not as ${form}`, {
        hints: ['slipway build --progress rawjson prints the events while it builds'],
      });
    const history = await buildHistory(await ctx.engine(), ctx.now());
    ctx.stdout.write(history.log(history.find(ref).record.ref));
  },
};

export const historyRm: Command = {
  name: 'builder history rm',
  summary: 'Remove builds from the history',
  usage: '[OPTIONS] [BUILD...]',
  examples: ['slipway builder history rm ^0', 'slipway builder history rm --all'],
  args: { min: 0 },
  options: [{ name: 'all', short: 'a', type: 'boolean', help: 'All builds that are not running' }],
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
  summary: 'Explain why a step of a build ran',
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
