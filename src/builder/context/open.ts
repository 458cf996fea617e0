// Opens contexts: a directory as it stands, a stream unpacked into a folder that goes when the build is over.
import { mkdirSync, mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { detectCompression } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { bodyOf, checkOut, gitSource, openUrl, resolveCommit, withoutCredentials } from '../../remote/index.ts';
import { removeTree } from '../../sys/index.ts';
import { stoppedBy } from '../../util/index.ts';
import { folderWithin, gitOptions, httpAuthorization } from '../elsewhere.ts';
import { looksLikeTar, unpackStream } from '../steps/unpack.ts';
import { partReader } from './parts.ts';
import { locateDockerfile, readDockerfile, readIgnore, readLock, type Located } from './locate.ts';
import type { BuildContext, ContextOptions, ContextSource, NamedDirectory } from './types.ts';

/**
 * Opens a context. Throws not-found 'context.not-found' when the directory is missing, invalid-argument for a bad
 * .dockerignore. The Dockerfile itself is read, and missed, only when asked for.
 */
export async function openContext(source: ContextSource, options: ContextOptions): Promise<BuildContext> {
  if (source.kind === 'directory') return ofDirectory(source.path, source.written ?? source.path, options);
  if (source.kind === 'remote') return ofRemote(source.address, options);
  return ofStream(source.stream, options, 'the standard input');
}

async function ofStream(input: Readable, options: ContextOptions, name: string): Promise<BuildContext> {
  const { head, stream } = await peek(stoppedBy(input, options.signal));
  const archive = detectCompression(head) !== 'none' || looksLikeTar(head);
  if (archive) {
    if (options.dockerfileText !== undefined)
      throw new SlipwayError(
        'invalid-argument',
        'context.two-inputs',
        "invalid argument: can't use stdin for both build context and dockerfile",
      );
    return ofArchive(stream, options);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > LARGEST_DOCKERFILE)
      throw new SlipwayError('invalid-argument', 'context.too-large', `${name} holds no archive, and is too large for a Dockerfile`);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '')
    throw new SlipwayError('invalid-argument', 'context.empty-input', `${name} holds neither an archive nor a Dockerfile`);
  const root = scratchFolder(options);
  return makeContext(root, { ...options, dockerfileText: text }, false, () => removeTree(root));
}

const LARGEST_DOCKERFILE = 16 << 20;
/** A directory that is fetched once a stage needs it. */
export class LazyDirectory implements NamedDirectory {
  readonly kind = 'directory';
  readonly #fetch: () => Promise<BuildContext>;
  #opening: Promise<BuildContext> | undefined;
  context: BuildContext | undefined;

  constructor(fetch: () => Promise<BuildContext>) {
    this.#fetch = fetch;
  }

  open(): Promise<BuildContext> {
    return (this.#opening ??= this.#fetch().then((context) => (this.context = context)));
  }

  async dispose(): Promise<void> {
    await this.#opening?.catch(() => {});
    this.context?.dispose();
  }
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function ofDirectory(root: string, written: string, options: ContextOptions): BuildContext {
  if (!isDirectory(root))
    throw new SlipwayError('not-found', 'context.not-found', `unable to prepare context: path ${JSON.stringify(written)} not found`);
  return makeContext(root, options, false, () => {});
}

async function ofRemote(address: string, options: ContextOptions): Promise<BuildContext> {
  const git = gitSource(address);
  if (git === undefined) {
    const authorization = await httpAuthorization(address, { ...options.elsewhere, signal: options.signal });
    const response = await openUrl(address, options.signal, authorization === undefined ? {} : { authorization });
    return ofStream(bodyOf(response, address), options, withoutCredentials(address));
  }
  const access = await gitOptions(git, { ...options.elsewhere, signal: options.signal });
  const commit = await resolveCommit(git, access);
  const folder = scratchFolder(options);
  try {
    const keepGitDir = git.keepGitDir ?? options.keepGitDir ?? false;
    await checkOut(git, commit, folder, { ...access, keepGitDir, submodules: git.submodules ?? true });
    const root = folderWithin(folder, git.folder ?? '');
    const origin = { uri: withoutCredentials(address), digest: `${commit.length === 64 ? 'sha256' : 'sha1'}:${commit}` };
    return { ...makeContext(root, options, false, () => removeTree(folder)), origin };
  } catch (e) {
    removeTree(folder);
    throw e;
  }
}

async function ofArchive(stream: Readable, options: ContextOptions): Promise<BuildContext> {
  const root = scratchFolder(options);
  const keepsOwners = options.wording === 'graph' && process.geteuid!() === 0;
  try {
    const owner = keepsOwners ? undefined : { uid: process.geteuid!(), gid: process.getegid!() };
    await unpackStream(stream, root, { owner }, options.signal);
    return { ...makeContext(root, options, true, () => removeTree(root)), keepsOwners };
  } catch (e) {
    removeTree(root);
    throw e;
  }
}

export function scratchFolder(options: Pick<ContextOptions, 'scratch'>): string {
  mkdirSync(options.scratch, { recursive: true });
  return mkdtempSync(join(options.scratch, 'context-'));
}

/** @param stream it came as an archive, of which the original engine leaves out less */
export function makeContext(root: string, options: ContextOptions, stream: boolean, clean: () => void): BuildContext {
  const text = options.dockerfileText;
  const at: Located | undefined = text === undefined ? locateDockerfile(root, options.dockerfile) : undefined;
  const ignored = readIgnore(root, at, options.wording, stream);
  let open = true;
  const dispose = (): void => {
    if (open) clean();
    open = false;
  };
  return {
    root,
    ignore: ignored?.filter,
    ...(ignored ? { ignoreFile: ignored.file } : {}),
    lock: () => at && readLock(at, root, options.wording),
    dockerfile: () => ({
      ...(at ? readDockerfile(at, root, options.wording) : { name: 'Dockerfile', text: text! }),
      include: partReader(root, at),
    }),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** The first bytes of a stream, enough to tell an archive, and a stream that begins with them. */
async function peek(stream: Readable): Promise<{ head: Buffer; stream: Readable }> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  const chunks: Buffer[] = [];
  let size = 0;
  let ended = false;
  while (size < 512 && !ended) {
    const { value, done } = await iterator.next();
    ended = done === true;
    if (!ended) {
      const chunk = typeof value === 'string' ? Buffer.from(value) : value!;
      chunks.push(chunk as Buffer);
      size += chunk.length;
    }
  }
  const head = Buffer.concat(chunks);
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield head;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield typeof value === 'string' ? Buffer.from(value) : value;
      }
    } finally {
      // Whoever has enough leaves, and the stream ends with it.
      await iterator.return?.();
    }
  }
  return { head, stream: Readable.from(ended ? [head] : all()) };
}
