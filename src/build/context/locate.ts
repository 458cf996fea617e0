// Which Dockerfile and which .dockerignore a build reads, by the rules and in the words of each engine.
import { existsSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { IgnoreMatcher, parseIgnore } from '../../dockerfile/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { PathFilter } from '../steps/types.ts';
import type { ContextOptions } from './types.ts';

export interface Located {
  /** Absolute path on disk. */
  readonly path: string;
  /** As messages call it. */
  readonly name: string;
}

/** Where the Dockerfile is looked for; it may not be there. `base`: what a relative `-f` starts from. */
export function locateDockerfile(root: string, base: string, dockerfile: string | undefined): Located {
  if (dockerfile !== undefined && dockerfile !== '') {
    const path = resolve(base, dockerfile);
    return { path, name: dockerfile };
  }
  const usual = join(root, 'Dockerfile');
  const small = join(root, 'dockerfile');
  return !existsSync(usual) && existsSync(small) ? { path: small, name: 'dockerfile' } : { path: usual, name: 'Dockerfile' };
}

/** Reads it. Throws not-found 'context.no-dockerfile'. */
export function readDockerfile(at: Located, wording: ContextOptions['wording']): { name: string; text: string } {
  try {
    return { name: basename(at.name), text: readFileSync(at.path, 'utf8') };
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    const reason = {
      ENOENT: 'no such file or directory',
      ENOTDIR: 'not a directory',
      EISDIR: 'is a directory',
      EACCES: 'permission denied',
    }[code ?? ''];
    if (reason === undefined) throw e;
    const message =
      wording === 'graph'
        ? `failed to read dockerfile: open ${at.name}: ${reason}`
        : `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${at.path}: ${reason}`;
    throw new SlipwayError(code === 'EACCES' ? 'permission-denied' : 'not-found', 'context.no-dockerfile', message, {
      cause: e,
      hints: code === 'ENOENT' ? ['name the file with -f, or give the directory that holds it as the context'] : [],
    });
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
  const candidates = [join(root, '.dockerignore')];
  if (dockerfile && wording === 'graph') candidates.unshift(`${dockerfile.path}.dockerignore`);
  for (const path of candidates) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (e) {
      if (['ENOENT', 'ENOTDIR'].includes((e as NodeJS.ErrnoException).code ?? '')) continue;
      throw e;
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
    throw new SlipwayError(e.kind, e.code, `error checking context: ${e.message}`, { cause: e, ...(e.source ? { source: e.source } : {}) });
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
