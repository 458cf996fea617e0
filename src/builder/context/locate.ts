// Which Dockerfile and which .dockerignore a build reads, by the rules and in the words of each engine.
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { IgnoreMatcher, parseIgnore } from '../../dockerfile/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { decodeName, reasonOf, RootedTree, whyNotRead } from '../../sys/index.ts';
import type { PathFilter } from '../steps/types.ts';
import type { ContextOptions } from './types.ts';

export interface Located {
  /** Absolute path on disk. */
  readonly path: string;
  /** As messages call it. */
  readonly name: string;
  /** The context that it is in, where links lead nowhere else; the caller's own files may lie wherever his links lead. */
  readonly within?: string;
}

/** Where the Dockerfile is looked for; it may not be there. */
export function locateDockerfile(root: string, dockerfile: string | Located | undefined): Located {
  if (typeof dockerfile === 'object') return dockerfile;
  if (dockerfile !== undefined && dockerfile !== '') return { path: join(root, dockerfile), name: dockerfile, within: root };
  const usual = join(root, 'Dockerfile');
  const small = join(root, 'dockerfile');
  return !existsSync(usual) && existsSync(small) ? { path: small, name: 'dockerfile' } : { path: usual, name: 'Dockerfile' };
}

/**
 * Reads a file beside which others may lie that somebody else wrote: links do not lead out of its folder. To the original engine
 * they may lead anywhere in the context.
 */
function read({ path, within }: Pick<Located, 'path' | 'within'>, context: string | undefined): Buffer {
  if (within !== undefined) {
    using tree = new RootedTree(within);
    return tree.readFile(relative(within, path));
  }
  let root = realpathSync(dirname(path));
  let inside = basename(path);
  if (context !== undefined) {
    const way = relative(realpathSync(context), root);
    if (way !== '' && !isAbsolute(way) && way.split('/')[0] !== '..') [root, inside] = [context, join(way, inside)];
  }
  using tree = new RootedTree(root);
  return tree.readFile(inside);
}

/**
 * Reads it. Throws not-found 'context.no-dockerfile', also for a link that leads out of where it may lead.
 * @param root of the context
 */
export function readDockerfile(at: Located, root: string, wording: ContextOptions['wording']): { name: string; text: string } {
  try {
    return { name: basename(at.name), text: read(at, wording === 'classic' ? root : undefined).toString() };
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    const reason = reasonOf(e, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOTREG', 'EFBIG');
    if (reason === undefined) throw e;
    const message =
      wording === 'graph'
        ? `failed to read dockerfile: open ${at.name}: ${reason}`
        : `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${at.path}: ${reason}`;
    throw new SlipwayError(code === 'EACCES' ? 'permission-denied' : 'not-found', 'context.no-dockerfile', message, {
      cause: e,
      hints:
        code !== 'ENOENT'
          ? []
          : isLink(at.path)
            ? [`${at.name} is a symbolic link that leads out of the build context`]
            : ['name the file with -f, or give the directory that holds it as the context'],
    });
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Reads the lock file beside a Dockerfile. @throws SlipwayError invalid-argument `context.lock` for one that cannot be read */
export function readLock(at: Located, root: string, wording: ContextOptions['wording']): { name: string; text: string } | undefined {
  const name = `${basename(at.name)}.lock`;
  try {
    return { name, text: read({ ...at, path: `${at.path}.lock` }, wording === 'classic' ? root : undefined).toString() };
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const reason = whyNotRead(e);
    if (reason === undefined) throw e;
    throw new SlipwayError('invalid-argument', 'context.lock', `failed to read ${name}: ${reason}`, { cause: e });
  }
}

export interface Ignored {
  readonly filter: PathFilter;
  readonly file: { readonly name: string; readonly text: string };
}

/** The list of what the context leaves out: the Dockerfile's own one (graph engine), else `.dockerignore`. */
export function readIgnore(
  root: string,
  dockerfile: Located | undefined,
  wording: ContextOptions['wording'],
  stream: boolean,
): Ignored | undefined {
  const candidates: Pick<Located, 'path' | 'within'>[] = [{ path: join(root, '.dockerignore') }];
  if (dockerfile && wording === 'graph') candidates.unshift({ ...dockerfile, path: `${dockerfile.path}.dockerignore` });
  for (const candidate of candidates) {
    const { path } = candidate;
    let text: string;
    try {
      // a pattern may name files whose names are not UTF-8
      text = decodeName(read(candidate, undefined));
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      if (code === 'EISDIR' && wording === 'classic')
        throw new SlipwayError('invalid-argument', 'context.ignore', `error reading .dockerignore: read ${path}: is a directory`, {
          cause: e,
        });
      if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(code ?? '')) continue;
      const reason = whyNotRead(e);
      if (reason === undefined) throw e;
      throw new SlipwayError('invalid-argument', 'context.ignore', `failed to read ${basename(path)}: ${reason}`, { cause: e });
    }
    const name = relative(root, path).startsWith('..') ? basename(path) : relative(root, path);
    const matcher = compile(text, name, wording);
    if (matcher === undefined) return undefined;
    if (wording === 'classic' && stream) return { filter: onlyOwnFiles(matcher, root, dockerfile), file: { name, text } };
    return { filter: matcher, file: { name, text } };
  }
  return undefined;
}

function compile(text: string, name: string, wording: ContextOptions['wording']): IgnoreMatcher | undefined {
  try {
    const rules = parseIgnore(text, { name });
    return rules.length === 0 ? undefined : new IgnoreMatcher(rules, { name, dialect: wording === 'classic' ? 'classic' : 'buildkit' });
  } catch (e) {
    if (!isSlipwayError(e) || wording === 'graph') throw e;
    throw e.withContext({ message: `error checking context: ${e.message}` });
  }
}

/** The original engine takes an archive as it comes, but for the Dockerfile and the list itself. */
function onlyOwnFiles(matcher: PathFilter, root: string, dockerfile: Located | undefined): PathFilter {
  const own = new Set(['.dockerignore']);
  if (dockerfile && !isAbsolute(relative(root, dockerfile.path))) own.add(relative(root, dockerfile.path));
  return {
    name: matcher.name,
    matches: (path) => (own.has(path) ? matcher.matches(path) : { excluded: false }),
    mayContainIncluded: () => true,
  };
}
