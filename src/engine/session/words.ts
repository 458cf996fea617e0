// The words of a command line that stand for the files of a build: what a request says of them, and what a session on this machine
// knows by the names that are in it.
import { basename, dirname, isAbsolute, relative, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { ContextRequest, DockerfileRequest, NamedContextRequest } from '../../builder/index.ts';
import { SlipwayError } from '../../model/index.ts';

export interface ContextWords {
  /** A folder, an address, or `-` for standard input. */
  readonly context: string;
  /** As `-f` has it: a path, or `-`. */
  readonly file: string | undefined;
  /** As `--build-context` has them: `KEY=VALUE`. */
  readonly named: readonly string[];
  readonly target: string | undefined;
  /** What relative paths start from. */
  readonly cwd: string;
  readonly stdin: () => Readable;
  /** Reads the Dockerfile from standard input. */
  readonly readDockerfile: () => Promise<string>;
}

export interface ReadWords {
  readonly request: {
    readonly context: ContextRequest;
    readonly dockerfile?: DockerfileRequest;
    readonly namedContexts: Readonly<Record<string, NamedContextRequest>>;
    readonly identity: string;
    readonly name: string;
  };
  /** For the session, by name. */
  readonly locals: ReadonlyMap<string, string | (() => Readable)>;
}

/** @throws invalid-argument `build.two-stdin`, `flag.build-context`, and what the parts are refused for */
export async function readContextWords(w: ContextWords): Promise<ReadWords> {
  const { contextNameKey, parseContext, parseNamedContext } = await import('../../builder/index.ts');
  const { withoutCredentials } = await import('../../remote/index.ts');
  const locals = new Map<string, string | (() => Readable)>();
  const keep = <T>(name: string, { request, path }: { readonly request: T; readonly path?: string }): T => {
    if (path !== undefined) locals.set(name, resolve(w.cwd, path));
    return request;
  };
  const context = keep('context', parseContext(w.context, 'context'));
  if (context.kind === 'stream') locals.set('context', w.stdin);
  if (w.file === '-' && context.kind === 'stream')
    throw new SlipwayError(
      'invalid-argument',
      'build.two-stdin',
      "invalid argument: can't use stdin for both build context and dockerfile",
    );
  const root = locals.get('context');
  const dockerfile =
    w.file === undefined || w.file === ''
      ? undefined
      : w.file === '-'
        ? ({ kind: 'text', text: await w.readDockerfile() } as const)
        : dockerfileAt(w.file, typeof root === 'string' ? root : undefined, w.cwd);
  if (dockerfile?.kind === 'outside') locals.set(dockerfile.name, dirname(resolve(w.cwd, w.file ?? '')));
  const namedContexts: Record<string, NamedContextRequest> = {};
  for (const word of w.named) {
    const eq = word.indexOf('=');
    if (eq < 1) throw new SlipwayError('invalid-argument', 'flag.build-context', `invalid context value: ${word}, expected key=value`);
    const key = contextNameKey(word.slice(0, eq));
    namedContexts[key] = keep(`context:${key}`, parseNamedContext(key, word.slice(eq + 1), `context:${key}`));
  }
  return {
    request: {
      context,
      ...(dockerfile && { dockerfile }),
      namedContexts,
      identity: identityOf(w, withoutCredentials),
      name: nameOf(w, withoutCredentials),
    },
    locals,
  };
}

/** @param root of the context when it is a folder; one that is sent is not known here, and `file` is a path in it */
function dockerfileAt(file: string, root: string | undefined, cwd: string): DockerfileRequest {
  if (root === undefined && !isAbsolute(file)) return { kind: 'inside', path: file, written: file };
  const path = resolve(cwd, file);
  const inside = root === undefined ? '..' : relative(root, path);
  return inside === '..' || inside.startsWith('../') || isAbsolute(inside)
    ? { kind: 'outside', name: 'dockerfile', file: basename(path), written: file }
    : { kind: 'inside', path: inside, written: file };
}

type Words = Pick<ContextWords, 'context' | 'file' | 'target' | 'cwd'>;

/** What two builds of the same Dockerfile have in common. It is kept: an address goes without its secret. */
function identityOf({ context, file, cwd }: Words, shown: (address: string) => string): string {
  const local = (text: string): string => (/^(?:[a-z+]+:\/\/|git@|-$)/.test(text) ? shown(text) : resolve(cwd, text));
  return `${local(context)} ${file === undefined ? 'Dockerfile' : local(file)}`;
}

function nameOf({ context: path, target, cwd }: Words, shown: (address: string) => string): string {
  const context = path === '-' ? 'stdin' : basename(/^[a-z+]+:\/\//.test(path) ? shown(path) : resolve(cwd, path)) || '/';
  return target === undefined || target === '' ? context : `${context} (${target})`;
}
