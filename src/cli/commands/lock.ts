// `lock update`, `lock verify`, `lock diff`: the lock file of a Dockerfile's base images.
import { basename } from 'node:path';
import type { LockEntry, LockReport } from '../../engine/index.ts';
import { familiarReference, formatReference, parseReference, shortDigest, withDefaultTag } from '../../model/index.ts';
import { writeOutput } from '../../sys/index.ts';
import { formatBytes, printable } from '../../util/index.ts';
import { lockPath } from '../build/lock-path.ts';
import { BUILD_OPTIONS } from '../build/options.ts';
import { performBuild } from '../build/perform.ts';
import { platformsOf } from '../build/delivery.ts';
import { readRequest } from '../build/request.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { table } from '../table.ts';

const SHARED = ['build-arg', 'build-context', 'file', 'platform', 'secret'];
const OPTIONS = BUILD_OPTIONS.filter(({ name }) => SHARED.includes(name));
const NAME = { name: 'image', type: 'list', placeholder: 'name', help: 'Only this base image' } as const;

const whole = (name: string): string => formatReference(withDefaultTag(parseReference(name)));
const shown = (name: string): string => familiarReference(parseReference(name));

async function report(ctx: Context, o: ParsedOptions, path: string, action: 'update' | 'verify' | 'diff'): Promise<LockReport> {
  const { request, session } = await readRequest(ctx, o, path, 'graph', new Map());
  const names = o.list('image').map(whole);
  const caller = { session, signal: ctx.signal, onEvent: () => {} };
  // the file is read by the operation, which may have to write it anew
  return await performBuild(
    ctx,
    { kind: 'lock', request: { ...request, lock: 'off' }, lock: { action, names, platforms: platformsOf(ctx, o) } },
    caller,
  );
}

function rows(entries: readonly LockEntry[]): string {
  const digest = (e: LockEntry): string => {
    const of = e.after ?? e.before;
    return of === undefined ? '' : shortDigest(of.digest ?? of.image);
  };
  return table([
    ['IMAGE', 'PLATFORM', 'DIGEST', 'STATE'],
    ...entries.map((e) => [shown(e.name), e.platform, digest(e), e.problem === undefined ? e.state : `${e.state}: ${e.problem}`]),
  ]);
}

export const lockUpdate: Command = {
  name: 'lock update',
  summary: 'Lock all base images of a Dockerfile to what their names stand for now',
  usage: '[OPTIONS] PATH',
  examples: ['slipway lock update .', 'slipway lock update --image golang:1.22 -f build/Dockerfile .'],
  args: { min: 1, max: 1 },
  options: [...OPTIONS, NAME],
  async run(ctx, o, [path = '.']) {
    const file = lockPath(ctx, o, path);
    const { text, entries } = await report(ctx, o, path, 'update');
    await writeOutput(file, text, ctx.signal);
    ctx.stdout.write(rows(entries));
    ctx.stderr.write(`wrote ${printable(basename(file))}\n`);
  },
};

export const lockVerify: Command = {
  name: 'lock verify',
  summary: 'Check that every base image is locked, and can be had as it was',
  usage: '[OPTIONS] PATH',
  examples: ['slipway lock verify .', 'slipway lock verify --platform linux/amd64,linux/arm64 .'],
  args: { min: 1, max: 1 },
  options: OPTIONS,
  async run(ctx, o, [path = '.']) {
    const { entries } = await report(ctx, o, path, 'verify');
    ctx.stdout.write(rows(entries));
    return entries.every((e) => e.state === 'locked') ? 0 : 1;
  },
};

export const lockDiff: Command = {
  name: 'lock diff',
  summary: 'Show what changed in the base images since they were locked: size and packages',
  usage: '[OPTIONS] PATH',
  examples: ['slipway lock diff .', 'slipway lock diff --image debian:12 --json .'],
  args: { min: 1, max: 1 },
  options: [...OPTIONS, NAME, { name: 'json', type: 'boolean', help: 'Print everything as JSON, sizes in bytes' }],
  async run(ctx, o, [path = '.']) {
    const { entries } = await report(ctx, o, path, 'diff');
    ctx.stdout.write(o.bool('json') ? `${JSON.stringify(entries, null, 2)}\n` : entries.map(differenceText).join(''));
  },
};

function differenceText({ name, platform, state, before, after, difference }: LockEntry): string {
  const lines = [`${shown(name)} (${platform}): ${state === 'updated' ? 'another image' : state}`];
  if (state === 'updated' && before !== undefined && after !== undefined) {
    const digest = (of: typeof before): string => shortDigest(of.digest ?? of.image);
    lines.push(`  image    ${digest(before)} of ${before.resolved.slice(0, 10)} → ${digest(after)}`);
  }
  if (difference !== undefined) {
    const { size, added, removed, changed } = difference;
    lines.push(`  size     ${formatBytes(size[0])} → ${formatBytes(size[1])}`);
    const part = (what: string, list: readonly string[]): string[] => list.map((one) => `  ${what.padEnd(8)} ${one}`);
    lines.push(...part('added', added), ...part('removed', removed), ...part('changed', changed));
    if (added.length + removed.length + changed.length === 0) lines.push('  packages none that is known changed');
  }
  return printable(`${lines.join('\n')}\n`);
}
