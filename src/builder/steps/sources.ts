// From the words of COPY and ADD to the files they name: patterns by Go's filepath.Match, links followed inside the root,
// what is left out not seen, and the words of each engine for what is not there.
import type { Stats } from 'node:fs';
import { compileGlob, hasGlob } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Directory, RootedTree } from '../../sys/index.ts';
import { nearest } from '../../util/index.ts';
import { badPattern, matcher as matcherOf, Selection } from './selection.ts';
import type { PathFilter } from './types.ts';
import { cleanWords, join, splitPath } from './words.ts';

/** A file or directory that a word of COPY leads to. */
export interface Found {
  /** From the root, links followed; '' is the root itself. */
  readonly path: string;
  /** The name it keeps when it goes into a directory. */
  readonly name: string;
  readonly stat: Stats;
  /** With --parents: where it goes, from the destination; the words between come from `pivot`. */
  readonly keep?: { readonly pivot: string; readonly to: string };
}

export interface FindOptions {
  readonly kind: 'context' | 'stage';
  readonly style: 'graph' | 'classic';
  readonly instruction: 'COPY' | 'ADD';
  readonly ignore?: PathFilter | undefined;
  readonly parents?: boolean | undefined;
}

type Options = FindOptions & { readonly tree: RootedTree; readonly selection: Selection };

/** Finds what one word names, in the order of names. An error for a plain path that is not there; a pattern may find nothing. */
export function findSources(tree: RootedTree, pattern: string, options: FindOptions): Found[] {
  const o: Options = { ...options, tree, selection: new Selection(options.ignore, undefined) };
  try {
    return o.parents ? findWithParents(pattern, o) : find(pattern, o);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ELOOP') throw e;
    const message = o.style === 'graph' ? `too many links: /${pattern.replace(/^\/+/, '')}` : forbidden(pattern, o);
    throw new SlipwayError('invalid-argument', 'path.too-many-links', message, { cause: e });
  }
}

function find(pattern: string, o: Options): Found[] {
  const words = cleanWords(pattern);
  if (o.style === 'classic') {
    const written = pattern.replace(/^\//, '').replace(/^\.\//, '');
    refuseOutside(written, o);
    // it compares the pattern as it is written with paths, and those have no slash too many
    if (hasGlob(written) && written !== words.join('/')) return [];
  }
  if (!hasGlob(pattern)) {
    const found = plain(words, o);
    if (!found) throw notFound(words.join('/'), o);
    return [found];
  }
  return [...expand(words, o)].map((match) => {
    const found = plain(match, o);
    if (!found) throw notFound(match.join('/'), o);
    return found;
  });
}

/** The original engine's check of the path as written. */
function refuseOutside(pattern: string, o: FindOptions): void {
  let depth = 0;
  for (const word of pattern.split('/')) {
    if (word === '..') depth--;
    else if (word !== '' && word !== '.') depth++;
    if (depth < 0) {
      throw new SlipwayError('invalid-argument', 'copy.outside-context', forbidden(pattern, o));
    }
  }
}

const forbidden = (pattern: string, o: FindOptions): string =>
  `${o.instruction} failed: forbidden path outside the build context: ${pattern} ()`;

function notFound(path: string, o: Options): SlipwayError {
  const message =
    o.style === 'graph'
      ? `"/${path}": not found`
      : o.kind === 'context'
        ? `${o.instruction} failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`
        : `${o.instruction} failed: stat ${path}: file does not exist`;
  return new SlipwayError('not-found', 'copy.source-not-found', message, { hints: whyNotThere(path, o) });
}

/** The link or rule that keeps the path out, or a name beside it that may have been meant. */
function whyNotThere(path: string, o: Options): string[] {
  const inside = o.tree.locate(path);
  if (o.ignore !== undefined && o.tree.stat(inside) !== undefined) {
    const { excluded, pattern, line } = o.ignore.matches(inside);
    const place = `${o.ignore.name ?? '.dockerignore'}${line === undefined ? '' : ` line ${line}`}`;
    if (excluded) return [`${path} is in the folder, but ${place} leaves it out of the context: ${pattern}`];
  }
  const link = linkOnTheWay(path, o);
  if (link !== undefined) return [link];
  const [above, name] = splitPath(path);
  const folder = o.tree.locate(above);
  if (o.tree.stat(folder)?.isDirectory() !== true) return [];
  const near = nearest(
    name,
    o.tree.list(folder).filter((other) => !o.ignore?.matches(join(folder, other)).excluded),
  );
  return near === undefined ? [] : [`did you mean ${join(folder, near)}?`];
}

/** A link on the way that leads out of the context, or nowhere, or that --parents does not follow. */
function linkOnTheWay(path: string, o: Options): string | undefined {
  const words = cleanWords(path);
  for (let n = 1; n <= words.length; n++) {
    const name = words.slice(0, n).join('/');
    const at = o.tree.locate(name, true);
    const target = o.tree.readLink(at);
    if (target === undefined) continue;
    if (o.kind === 'context' && leaves(target, splitPath(at)[0]))
      return `${name} is a symbolic link to ${target}, which leads out of the build context`;
    if (o.parents && n < words.length) return `${name} is a symbolic link to ${target}: --parents does not follow links`;
    if (o.tree.stat(o.tree.locate(name)) === undefined) return `${name} is a symbolic link to ${target}, which is missing`;
  }
  return undefined;
}

function leaves(target: string, folder: string): boolean {
  if (target.startsWith('/')) return true;
  let depth = cleanWords(folder).length;
  for (const word of target.split('/')) {
    if (word === '..') depth--;
    else if (word !== '' && word !== '.') depth++;
    if (depth < 0) return true;
  }
  return false;
}

function plain(words: readonly string[], o: Options): Found | undefined {
  const path = o.tree.locate(words.join('/'));
  const stat = o.tree.stat(path);
  if (!stat || !visible(path, stat, o)) return undefined;
  return { path, name: words.at(-1) ?? '', stat };
}

/** Whether the selection shows the path: a directory that is left out shows when something below it is not. */
function visible(path: string, stat: Stats, o: Options): boolean {
  if (o.selection.everything) return true;
  const verdict = o.selection.verdict(path, '', stat.isDirectory());
  return verdict === 'yes' || (verdict === 'below' && anythingBelow(path, o));
}

function anythingBelow(path: string, o: Options): boolean {
  using directory = o.tree.directory(path);
  return anythingIn(directory, o.selection);
}

function anythingIn(directory: Directory, selection: Selection): boolean {
  return directory.list().some((name) => {
    const isDirectory = directory.stat(name)?.isDirectory() ?? false;
    const verdict = selection.verdict(join(directory.inside, name), '', isDirectory);
    if (verdict !== 'below') return verdict === 'yes';
    using below = directory.directory(name);
    return anythingIn(below, selection);
  });
}

/** Paths that match a pattern word by word. Links are followed up to the first word that is a pattern, as both engines do. */
function* expand(words: readonly string[], o: Options): Generator<string[]> {
  const first = words.findIndex(hasGlob);
  const start = words.slice(0, first);
  const globs = globsOf(words.slice(first), o);
  if (globs === undefined) return;
  const top = o.tree.locate(start.join('/'));
  if (o.tree.stat(top)?.isDirectory() !== true) return;
  using directory = o.tree.directory(top);
  yield* matches(start, directory, globs, o);
}

type Glob = ReturnType<typeof compileGlob>;

/** To the original engine, a pattern that is none matches nothing. */
function globsOf(words: readonly string[], o: Options): Glob[] | undefined {
  try {
    return words.map(compileGlob);
  } catch (e) {
    if (o.style === 'classic') return undefined;
    throw badPattern('include', [words.join('/')], e);
  }
}

function* matches(done: readonly string[], directory: Directory, globs: readonly Glob[], o: Options): Generator<string[]> {
  const [glob, ...more] = globs as [Glob, ...Glob[]];
  for (const name of directory.list()) {
    if (!glob.matches(name)) continue;
    const isDirectory = directory.stat(name)?.isDirectory() ?? false;
    const path = join(directory.inside, name);
    const verdict = o.selection.everything ? 'yes' : o.selection.verdict(path, '', isDirectory);
    if (verdict === 'no') continue;
    if (more.length === 0) {
      if (verdict === 'yes' || anythingBelow(path, o)) yield [...done, name];
    } else if (isDirectory) {
      using below = directory.directory(name);
      yield* matches([...done, name], below, more, o);
    }
  }
}

/**
 * --parents: the words after `/./`, or all of them, are kept below the destination; `**` stands for any number of directories.
 * Links before the pivot are followed, those after it are not.
 */
function findWithParents(pattern: string, o: Options): Found[] {
  const at = pattern.indexOf('/./');
  if (at <= 0) return below('', cleanWords(pattern), o);
  const words = cleanWords(pattern.slice(at + 3));
  return find(pattern.slice(0, at), o)
    .filter(({ stat }) => stat.isDirectory())
    .flatMap(({ path }) => below(path, words, o));
}

function below(pivot: string, words: readonly string[], o: Options): Found[] {
  const to = words.join('/');
  if (!words.some(hasGlob)) {
    const path = join(pivot, to).replace(/\/$/, '');
    const stat = o.tree.locate(path, true) === path ? o.tree.stat(path) : undefined;
    if (!stat || !visible(path, stat, o)) throw notFound(path, o);
    return [{ path, name: words.at(-1) ?? '', stat, keep: { pivot, to } }];
  }
  const matcher = matcherOf('include', [to]);
  const found: Found[] = [];
  const walk = (directory: Directory, prefix: string): void => {
    for (const name of directory.list()) {
      const path = join(directory.inside, name);
      const target = join(prefix, name);
      const stat = directory.stat(name);
      if (!stat) continue;
      if (matcher.matches(target).excluded && visible(path, stat, o)) found.push({ path, name, stat, keep: { pivot, to: target } });
      else if (stat.isDirectory()) {
        using inner = directory.directory(name);
        walk(inner, target);
      }
    }
  };
  using top = o.tree.directory(pivot);
  walk(top, '');
  return found;
}

/** A name that is no pattern. */
export const literalPattern = (name: string): string => name.replace(/[\\*?[]/g, '\\$&');
