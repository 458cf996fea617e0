// Which names an argument or a flag takes, read from the usage and the placeholders that help shows, and the names themselves.
import { join, resolve } from 'node:path';
import { familiarReference, parseReference, shortDigest } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Context, Option } from '../command.ts';

export interface Candidate {
  readonly text: string;
  readonly about: string;
}

/** Bytes of a Dockerfile that is read for the names of its stages. */
const LARGEST = 1 << 20;
/** Builds of the history that are offered. */
const MOST_BUILDS = 20;

const ARGUMENTS: readonly (readonly [token: RegExp, kind: string])[] = [
  [/CONTAINER/, 'containers'],
  [/IMAGE|REPOSITORY/, 'images'],
  [/VOLUME/, 'volumes'],
  [/NETWORK/, 'networks'],
  [/BUILD/, 'builds'],
  [/CHAPTER/, 'chapters'],
  [/SHELL/, 'shells'],
  [/PATH|FOLDER/, 'folders'],
  [/FILE|COMMAND|ARG/, 'files'],
];

/** What the argument after `given` others is, by a usage such as `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
export function kindOfArgument(path: string, usage: string, given: number): string {
  const tokens = usage.split(/\s+/).filter((t) => t !== '' && t !== '[OPTIONS]' && t !== '|' && t !== '-');
  const token = tokens[given] ?? (tokens.at(-1)?.includes('...') ? tokens.at(-1) : undefined);
  if (token === undefined) return 'none';
  if (path === 'network create' || path === 'volume create') return 'none';
  if (path === 'bootstrap') return 'recipes';
  if (/^\[?NAME/.test(token)) {
    if (path.startsWith('container ')) return 'containers';
    if (path === 'inspect') return 'containers and images';
    return /^(?:image |push$|pull$)/.test(path) ? 'images' : 'none';
  }
  return ARGUMENTS.find(([pattern]) => pattern.test(token))?.[1] ?? 'none';
}

/** The values that a flag takes: a kind of names, or the words themselves. */
export function valuesOf({ name, placeholder = '' }: Option): string | readonly string[] {
  if (placeholder === 'stage') return 'stages';
  if (placeholder === 'path' || placeholder === 'file') return name === 'workdir' || name === 'tmpfs' ? 'none' : 'files';
  if (placeholder === 'mode' && name === 'network') return 'networks';
  if (name === 'format' && placeholder === 'template') return ['json', 'table'];
  if (name === 'call') return ['check', 'outline', 'targets'];
  if (name === 'platform') return ['linux/amd64', 'linux/arm64'];
  return /^[\w-]+(?:\|[\w-]+)+$/.test(placeholder) ? placeholder.split('|') : 'none';
}

/** All names of a kind. @param words of `stages`: the folder of a build, and its Dockerfile where that is named */
export async function namesOf(ctx: Context, kind: string, words: readonly string[]): Promise<Candidate[]> {
  switch (kind) {
    case 'images':
      return images(ctx);
    case 'containers':
      return containers(ctx);
    case 'containers and images':
      return [...(await containers(ctx)), ...(await images(ctx))];
    case 'volumes':
      return (await (await ctx.engine()).containers()).volumes.list().map((v) => ({ text: v.name, about: '' }));
    case 'networks': {
      const known = (await (await ctx.engine()).network()).list().map((n) => n.name);
      // these are there before anything uses them
      return [...new Set(['bridge', ...known, 'host', 'none'])].map((text) => ({ text, about: '' }));
    }
    case 'builds': {
      const { buildHistory } = await import('../../engine/index.ts');
      const history = await buildHistory(await ctx.engine(), ctx.now());
      return history
        .list()
        .slice(0, MOST_BUILDS)
        .map(({ record: r }) => ({ text: r.ref, about: r.name }));
    }
    case 'recipes': {
      const { standIns } = await import('../../engine/index.ts');
      return (await standIns()).map((r) => ({ text: r.name, about: r.summary }));
    }
    case 'chapters': {
      const { CHAPTERS } = await import('../lab/chapters/index.ts');
      return CHAPTERS.map((_, i) => ({ text: String(i + 1), about: '' }));
    }
    case 'shells':
      return ['bash', 'zsh', 'fish'].map((text) => ({ text, about: '' }));
    case 'stages':
      return stages(ctx, words);
    default:
      return [];
  }
}

async function images(ctx: Context): Promise<Candidate[]> {
  const { images: store } = await ctx.engine();
  return store
    .list()
    .flatMap((i) =>
      i.names.map((n) => ({ text: familiarReference(parseReference(n)), about: `${shortDigest(i.id)} ${formatBytes(i.size, 3)}` })),
    );
}

async function containers(ctx: Context): Promise<Candidate[]> {
  const { records } = await (await ctx.engine()).containers();
  return records.all().map((c) => ({ text: c.name, about: `${c.id.slice(0, 12)} ${c.state.status}` }));
}

async function stages(ctx: Context, [folder = '.', file]: readonly string[]): Promise<Candidate[]> {
  const [{ parseBeginning }, { readRegularFile }] = await Promise.all([import('../../engine/index.ts'), import('../../sys/index.ts')]);
  const path = file === undefined ? join(resolve(ctx.cwd, folder), 'Dockerfile') : resolve(ctx.cwd, file);
  const { dockerfile } = parseBeginning(readRegularFile(path, LARGEST));
  return dockerfile.stages.flatMap((s) => (s.name === undefined ? [] : [{ text: s.name, about: `FROM ${s.from.base}` }]));
}
