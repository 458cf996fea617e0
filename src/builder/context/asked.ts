// Opens the contexts of a request: what is the caller's is asked of its session, and is read where it lies, or is sent and unpacked.
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { IgnoreMatcher, parseIgnore } from '../../dockerfile/index.ts';
import { isSlipwayError, type LocalFiles, type LocalWish, type Session, SlipwayError } from '../../model/index.ts';
import { removeTree } from '../../sys/index.ts';
import { unpackStream } from '../steps/unpack.ts';
import { locateDockerfile, readIgnore } from './locate.ts';
import { isDirectory, LazyDirectory, makeContext, openContext, scratchFolder } from './open.ts';
import type { BuildContext, ContextOptions, ContextRequest, DockerfileRequest, NamedContext, NamedContextRequest } from './types.ts';

type Options = Omit<ContextOptions, 'dockerfile' | 'dockerfileText'>;
type Local = Pick<Session, 'local'>;

/** The main context. Throws as `openContext` does, and what the session throws. */
export async function openRequested(
  { context, dockerfile }: { readonly context: ContextRequest; readonly dockerfile?: DockerfileRequest | undefined },
  session: Local,
  o: Options,
): Promise<BuildContext> {
  using opened = new DisposableStack();
  const outside = dockerfile?.kind === 'outside' ? await outsideFile(dockerfile, session, o, opened) : undefined;
  const options: ContextOptions = {
    ...o,
    ...(dockerfile?.kind === 'text' && { dockerfileText: dockerfile.text }),
    ...(dockerfile?.kind === 'inside' && { dockerfile: dockerfile.path }),
    ...(outside && { dockerfile: outside }),
  };
  const made = await (async (): Promise<BuildContext> => {
    if (context.kind === 'remote') return openContext({ kind: 'remote', address: context.address }, options);
    if (context.kind === 'empty') {
      const root = scratchFolder(o);
      return makeContext(root, { ...o, dockerfileText: '' }, false, () => removeTree(root));
    }
    if (context.kind === 'stream') {
      const files = await session.local(context.name, {}, o.signal);
      return openContext(
        files.kind === 'stream' ? { kind: 'stream', stream: files.stream } : { kind: 'directory', path: files.path },
        options,
      );
    }
    const { written } = context;
    if (dockerfile?.kind === 'inside') checkInside(dockerfile.path);
    const files = await named(context.name, { only: beginnings(dockerfile) }, session, o, () => missingFolder(written));
    const at = (root: string, within?: string): ContextOptions =>
      dockerfile?.kind !== 'inside'
        ? options
        : { ...options, dockerfile: { path: join(root, dockerfile.path), name: dockerfile.written, ...(within && { within }) } };
    if (files.kind === 'folder') return openContext({ kind: 'directory', path: files.path, written }, at(files.path));
    return await sentFolder(context.name, files.stream, session, o.wording, (root) => at(root, root));
  })();
  const undo = opened.move();
  const dispose = (): void => {
    made.dispose();
    undo.dispose();
  };
  return { ...made, dispose, [Symbol.dispose]: dispose };
}

/** A context of `--build-context name=…`. Throws as `openRequested` does. */
export async function openNamedContext(name: string, request: NamedContextRequest, session: Local, o: Options): Promise<NamedContext> {
  switch (request.kind) {
    case 'image':
      return request;
    case 'remote': {
      const { address } = request;
      return new LazyDirectory(() => openContext({ kind: 'remote', address }, o));
    }
    case 'layout': {
      const { tag, digest } = request;
      const files = await session.local(request.name, {}, o.signal);
      const layout = (path: string) => ({ path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) });
      if (files.kind === 'folder') return { kind: 'layout', layout: layout(files.path), dispose: () => {} };
      const path = await unpacked(files.stream, o);
      return { kind: 'layout', layout: layout(path), dispose: () => removeTree(path) };
    }
    case 'files': {
      const { ignore, only } = request;
      const wish: LocalWish = { ...(only && { only }), ...(ignore !== undefined && { ignore: { text: ignore, dialect: 'buildkit' } }) };
      const filter = ignore === undefined ? undefined : new IgnoreMatcher(parseIgnore(ignore), { name: request.name });
      const files = await session.local(request.name, wish, o.signal);
      const opened = new LazyDirectory(async () => {
        const text = { ...o, dockerfileText: '' };
        if (files.kind === 'stream') {
          const root = await unpacked(files.stream, o);
          // whoever sends them says whose they are
          return { ...makeContext(root, text, false, () => removeTree(root)), ignore: filter, keepsOwners: process.geteuid!() === 0 };
        }
        return { ...makeContext(files.path, text, false, () => {}), ignore: filter };
      });
      await opened.open();
      return opened;
    }
    case 'folder': {
      const missing = (): SlipwayError =>
        new SlipwayError(
          'not-found',
          'context.not-found',
          `failed to get build context ${name}: stat ${request.written}: no such file or directory`,
        );
      const files = await named(request.name, { only: ['.dockerignore'] }, session, o, missing);
      if (files.kind === 'folder' && !isDirectory(files.path)) throw missing();
      const opened = new LazyDirectory(() =>
        files.kind === 'folder'
          ? openContext({ kind: 'directory', path: files.path, written: request.written }, o)
          : sentFolder(request.name, files.stream, session, 'graph', () => o),
      );
      await opened.open();
      return opened;
    }
    default:
      return request satisfies never;
  }
}

const missingFolder = (written: string): SlipwayError =>
  new SlipwayError('not-found', 'context.not-found', `unable to prepare context: path ${JSON.stringify(written)} not found`);

/** What of a folder is read first: the Dockerfile, its lock file, and the lists of what is left out. */
function beginnings(dockerfile: DockerfileRequest | undefined): string[] {
  const files = dockerfile === undefined ? ['Dockerfile', 'dockerfile'] : dockerfile.kind === 'inside' ? [dockerfile.path] : [];
  return ['.dockerignore', ...files.flatMap((file) => [file, `${file}.dockerignore`, `${file}.lock`])];
}

/** Asks for files, and says in the words of builds that there are none. */
async function named(name: string, wish: LocalWish, session: Local, { signal }: Options, missing: () => SlipwayError): Promise<LocalFiles> {
  try {
    return await session.local(name, wish, signal);
  } catch (e) {
    throw isSlipwayError(e) && e.code === 'session.local' ? missing() : e;
  }
}

/** A folder that is sent: first what says how it is to be read, then the rest. Everything in it becomes ours. */
async function sentFolder(
  name: string,
  beginning: Readable,
  session: Local,
  wording: ContextOptions['wording'],
  within: (root: string) => ContextOptions,
): Promise<BuildContext> {
  const o = within('');
  const root = await unpacked(beginning, o);
  try {
    const options = within(root);
    const at = options.dockerfileText === undefined ? locateDockerfile(root, options.dockerfile) : undefined;
    const ignored = readIgnore(root, at, wording, false);
    const dialect = wording === 'classic' ? 'classic' : 'buildkit';
    const files = await session.local(name, ignored === undefined ? {} : { ignore: { text: ignored.file.text, dialect } }, o.signal);
    if (files.kind === 'folder') throw new SlipwayError('internal', 'session.local', `the files named ${name} changed their kind`);
    await unpackStream(files.stream, root, {}, o.signal);
    return makeContext(root, options, false, () => removeTree(root));
  } catch (e) {
    removeTree(root);
    throw e;
  }
}

async function unpacked(stream: Readable, o: Options): Promise<string> {
  const root = scratchFolder(o);
  try {
    await unpackStream(stream, root, {}, o.signal);
    return root;
  } catch (e) {
    removeTree(root);
    throw e;
  }
}

/** Where a Dockerfile outside of the context lies; what had to be unpacked for it goes with `opened`. */
async function outsideFile(
  { name, file, written }: Extract<DockerfileRequest, { kind: 'outside' }>,
  session: Local,
  o: Options,
  opened: DisposableStack,
): Promise<ContextOptions['dockerfile']> {
  checkInside(file);
  const files = await session.local(name, { only: [file, `${file}.dockerignore`, `${file}.lock`] }, o.signal);
  if (files.kind === 'folder') return { path: join(files.path, file), name: written };
  const root = await unpacked(files.stream, o);
  opened.defer(() => removeTree(root));
  return { path: join(root, file), name: written, within: root };
}

/** A request may come from elsewhere. @throws SlipwayError invalid-argument `context.outside` */
function checkInside(path: string): void {
  if (isAbsolute(path) || path.split('/').includes('..'))
    throw new SlipwayError('invalid-argument', 'context.outside', `the path of a Dockerfile leads out of its folder: ${path}`);
}
