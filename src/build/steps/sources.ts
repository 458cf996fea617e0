// From the words of COPY and ADD to the files they name: patterns by Go's filepath.Match, links followed inside the root,
// what is left out not seen, and the words of each engine for what is not there.
import { readdirSync, type Stats } from 'node:fs';
import { globMatch, hasGlob, IgnoreMatcher } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { nearest } from '../../util/index.ts';
import { cleanWords, followInside, lstatOrNone } from './inside.ts';
import { join, listNames, Selection } from './selection.ts';
import type { PathFilter } from './types.ts';

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
  readonly root: string;
  readonly kind: 'context' | 'stage';
  readonly style: 'graph' | 'classic';
  readonly instruction: 'COPY' | 'ADD';
  readonly ignore?: PathFilter | undefined;
  readonly parents?: boolean | undefined;
}

/** Finds what one word names, in the order of names. An error for a plain path that is not there; a pattern may find nothing. */
export function findSources(pattern: string, o: FindOptions): Found[] {
  const selection = new Selection(o.ignore, undefined);
  if (o.parents) return findWithParents(pattern, o, selection);
  if (o.style === 'classic') refuseOutside(pattern, o);
  const words = cleanWords(pattern);
  if (!hasGlob(pattern)) {
    const found = plain(words, o, selection);
    if (!found) throw notFound(words.join('/'), o);
    return [found];
  }
  const found: Found[] = [];
  for (const match of expand(o.root, words, selection)) {
    const one = plain(match, o, selection);
    if (!one) throw notFound(match.join('/'), o);
    found.push(one);
  }
  return found;
}

/** The original engine's check of the path as written. */
function refuseOutside(pattern: string, o: FindOptions): void {
  if (pattern.startsWith('/')) return;
  let depth = 0;
  for (const word of pattern.split('/')) {
    if (word === '..') depth--;
    else if (word !== '' && word !== '.') depth++;
    if (depth < 0) {
      throw new SlipwayError(
        'invalid-argument',
        'copy.outside-context',
        `${o.instruction} failed: forbidden path outside the build context: ${pattern} ()`,
      );
    }
  }
}

function notFound(path: string, o: FindOptions): SlipwayError {
  const message =
    o.style === 'graph'
      ? `"/${path}": not found`
      : o.kind === 'context'
        ? `${o.instruction} failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`
        : `${o.instruction} failed: stat ${path}: file does not exist`;
  return new SlipwayError('not-found', 'copy.source-not-found', message, { hints: whyNotThere(path, o) });
}

/** The rule that leaves the path out, or a name beside it that may have been meant. */
function whyNotThere(path: string, o: FindOptions): string[] {
  const inside = followInside(o.root, path);
  if (o.ignore !== undefined && lstatOrNone(`${o.root}/${inside}`) !== undefined) {
    const { excluded, pattern, line } = o.ignore.matches(inside);
    const place = `${o.ignore.name ?? '.dockerignore'}${line === undefined ? '' : ` line ${line}`}`;
    if (excluded) return [`${path} is in the folder, but ${place} leaves it out of the context: ${pattern}`];
  }
  const slash = path.lastIndexOf('/');
  const folder = followInside(o.root, path.slice(0, Math.max(slash, 0)));
  if (lstatOrNone(`${o.root}/${folder}`)?.isDirectory() !== true) return [];
  const near = nearest(
    path.slice(slash + 1),
    listNames(`${o.root}/${folder}`).filter((name) => !o.ignore?.matches(join(folder, name)).excluded),
  );
  return near === undefined ? [] : [`did you mean ${join(folder, near)}?`];
}

function plain(words: readonly string[], o: FindOptions, selection: Selection): Found | undefined {
  const path = followInside(o.root, words.join('/'));
  const stat = lstatOrNone(path === '' ? o.root : `${o.root}/${path}`);
  if (!stat || !visible(o.root, path, stat, selection)) return undefined;
  return { path, name: words.at(-1) ?? '', stat };
}

/** Whether the selection shows the path: a directory that is left out shows when something below it is not. */
function visible(root: string, path: string, stat: Stats, selection: Selection): boolean {
  if (selection.everything) return true;
  const verdict = selection.verdict(path, '', stat.isDirectory());
  return verdict === 'yes' || (verdict === 'below' && anythingBelow(root, path, selection));
}

function anythingBelow(root: string, dir: string, selection: Selection): boolean {
  return readdirSync(`${root}/${dir}`, { withFileTypes: true }).some((entry) => {
    const path = join(dir, entry.name);
    const verdict = selection.verdict(path, '', entry.isDirectory());
    return verdict === 'yes' || (verdict === 'below' && anythingBelow(root, path, selection));
  });
}

/** Paths that match a pattern word by word. Links are followed up to the first word that is a pattern, as both engines do. */
function* expand(root: string, words: readonly string[], selection: Selection): Generator<string[]> {
  const first = words.findIndex(hasGlob);
  const start = words.slice(0, first);
  function* below(done: readonly string[], dir: string, rest: readonly string[]): Generator<string[]> {
    let entries;
    try {
      entries = readdirSync(`${root}/${dir}`, { withFileTypes: true });
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      throw e;
    }
    const [word, ...more] = rest as [string, ...string[]];
    const byName = new Map(entries.map((e) => [e.name, e]));
    for (const name of [...byName.keys()].sort()) {
      if (!globMatch(word, name)) continue;
      const directory = byName.get(name)!.isDirectory();
      const path = join(dir, name);
      const verdict = selection.everything ? 'yes' : selection.verdict(path, '', directory);
      if (verdict === 'no') continue;
      if (more.length > 0) {
        if (directory) yield* below([...done, name], path, more);
      } else if (verdict === 'yes' || anythingBelow(root, path, selection)) yield [...done, name];
    }
  }
  yield* below(start, followInside(root, start.join('/')), words.slice(first));
}

/** --parents: the words after `/./`, or all of them, are kept below the destination; `**` stands for any number of directories. */
function findWithParents(pattern: string, o: FindOptions, selection: Selection): Found[] {
  const at = pattern.indexOf('/./');
  const pivot = at > 0 ? followInside(o.root, pattern.slice(0, at)) : '';
  const words = cleanWords(at > 0 ? pattern.slice(at + 3) : pattern);
  if (!words.some(hasGlob)) {
    const path = join(pivot, words.join('/'));
    const stat = lstatOrNone(`${o.root}/${path}`);
    if (!stat || !visible(o.root, path, stat, selection)) throw notFound(path, o);
    return [{ path, name: words.at(-1) ?? '', stat, keep: { pivot, to: words.join('/') } }];
  }
  const matcher = new IgnoreMatcher([words.join('/')]);
  const found: Found[] = [];
  const walk = (dir: string, to: string): void => {
    for (const name of listNames(`${o.root}/${dir}`)) {
      const path = join(dir, name);
      const target = join(to, name);
      const stat = lstatOrNone(`${o.root}/${path}`);
      if (!stat) continue;
      if (matcher.matches(target).excluded && visible(o.root, path, stat, selection))
        found.push({ path, name, stat, keep: { pivot, to: target } });
      else if (stat.isDirectory()) walk(path, target);
    }
  };
  walk(pivot, '');
  return found;
}

/** A name that is no pattern. */
export const literalPattern = (name: string): string => name.replace(/[\\*?[]/g, '\\$&');
