// The use cases that mount files, or move many bytes, as data in and data out: a server gives each to a process of its own. What is read and
// written are streams of the caller's session: the archive that comes is called `input`, the one that goes `output`.
import type { Readable } from 'node:stream';
import { changesOf, commitContainer, type Container, type ContainerManager, copying } from '../container/index.ts';
import { type LayerProgress, openSink, type Removal } from '../image/index.ts';
import { type Digest, parseReference, type Platform, type Session, SlipwayError, type SessionCredentials } from '../model/index.ts';
import type { PullProgress, PushProgress } from '../registry/index.ts';
import { type CacheEntry, type CacheFilter, pruneBuilder } from './cache.ts';
import type { Engine } from './engine.ts';
import { pruneContainers, pruneImages, pruneVolumes, type Pruned, type PruneFilter } from './prune.ts';

/** What a store operation tells meanwhile. */
export type StoreEvent =
  | { readonly type: 'pull'; readonly progress: PullProgress }
  | { readonly type: 'push'; readonly progress: PushProgress }
  | { readonly type: 'archive'; readonly progress: LayerProgress }
  | { readonly type: 'notice'; readonly message: string };

/** By whom a store operation is asked for. */
export interface StoreCaller {
  readonly session: Session;
  readonly signal: AbortSignal;
  onEvent(e: StoreEvent): void;
  /** The container's process stands, and its program begins when this has resolved. */
  beforeStart?(): Promise<void>;
}

export interface LoadedImage {
  readonly id: Digest;
  readonly names: readonly string[];
  readonly replaced: readonly { readonly name: string; readonly id: Digest }[];
}

/** The words `container` are IDs or names. */
export interface StoreOperations {
  readonly start: { readonly input: { readonly container: string; readonly attended: boolean }; readonly reply: undefined };
  readonly pull: {
    readonly input: { readonly reference: string; readonly platform?: Platform };
    readonly reply: { readonly id: Digest; readonly digest: Digest; readonly changed: boolean };
  };
  readonly push: { readonly input: { readonly reference: string }; readonly reply: { readonly digest: Digest; readonly size: number } };
  readonly load: { readonly input: { readonly platform?: Platform }; readonly reply: readonly LoadedImage[] };
  readonly save: { readonly input: { readonly images: readonly string[] }; readonly reply: undefined };
  readonly import: {
    readonly input: {
      readonly name?: string;
      readonly changes: readonly string[];
      readonly message?: string;
      readonly platform?: Platform;
    };
    readonly reply: Digest;
  };
  readonly export: { readonly input: { readonly container: string }; readonly reply: undefined };
  readonly 'copy-out': { readonly input: { readonly container: string; readonly path: string }; readonly reply: undefined };
  readonly 'copy-in': {
    readonly input: { readonly container: string; readonly path: string } & copying.UnpackOptions;
    readonly reply: undefined;
  };
  /** Files of what is removed may be many. */
  readonly remove: {
    readonly input: { readonly container: string; readonly force: boolean; readonly volumes: boolean };
    readonly reply: undefined;
  };
  readonly 'remove-image': {
    readonly input: { readonly image: string; readonly force: boolean; readonly prune: boolean };
    readonly reply: readonly Removal[];
  };
  readonly 'prune-containers': { readonly input: { readonly filter: PruneFilter }; readonly reply: Pruned<string> };
  readonly 'prune-images': {
    readonly input: { readonly filter: PruneFilter & { readonly all: boolean } };
    readonly reply: Pruned<Removal>;
  };
  readonly 'prune-volumes': { readonly input: { readonly filter: Parameters<typeof pruneVolumes>[1] }; readonly reply: Pruned<string> };
  readonly 'prune-cache': { readonly input: { readonly filter: CacheFilter }; readonly reply: Pruned<CacheEntry> };
  /** The files of an image, so that making a container takes no time. */
  readonly unpack: { readonly input: { readonly image: string }; readonly reply: undefined };
  readonly changes: { readonly input: { readonly container: string }; readonly reply: ReturnType<typeof changesOf> };
  readonly commit: {
    readonly input: { readonly container: string; readonly options: Parameters<typeof commitContainer>[2] };
    readonly reply: Digest;
  };
}

export type StoreOperationKind = keyof StoreOperations;
export type StoreOperation<K extends StoreOperationKind = StoreOperationKind> = K extends K
  ? { readonly kind: K } & StoreOperations[K]['input']
  : never;

const KINDS: Readonly<Record<StoreOperationKind, true>> = {
  start: true,
  pull: true,
  push: true,
  load: true,
  save: true,
  import: true,
  export: true,
  'copy-out': true,
  'copy-in': true,
  remove: true,
  'remove-image': true,
  'prune-containers': true,
  'prune-images': true,
  'prune-volumes': true,
  'prune-cache': true,
  unpack: true,
  changes: true,
  commit: true,
};

export const isStoreOperation = (o: { readonly kind: string }): o is StoreOperation => Object.hasOwn(KINDS, o.kind);

export async function performOnStore(
  engine: Engine,
  o: StoreOperation,
  caller: StoreCaller,
): Promise<StoreOperations[StoreOperationKind]['reply']> {
  const { session, signal } = caller;
  const notice = (message: string): void => caller.onEvent({ type: 'notice', message });
  switch (o.kind) {
    case 'start': {
      const [containers, c] = await found(engine, o.container);
      await containers.start(c, { onWarning: notice, ...(o.attended && { beforeStart: () => caller.beforeStart?.() }) });
      return undefined;
    }
    case 'pull': {
      const { pullImage } = await import('./registry.ts');
      const options = {
        signal,
        ...(o.platform && { platform: o.platform }),
        onProgress: (progress: PullProgress) => caller.onEvent({ type: 'pull', progress }),
        onNotice: notice,
      };
      const { image, digest, changed } = await pullImage(engine, parseReference(o.reference), options, credentials(session));
      return { id: image.id, digest, changed };
    }
    case 'push': {
      const { pushImage, USUAL_LEVELS } = await import('./registry.ts');
      const options = {
        signal,
        compression: { kind: 'gzip', level: USUAL_LEVELS.gzip } as const,
        force: false,
        onProgress: (progress: PushProgress) => caller.onEvent({ type: 'push', progress }),
      };
      const { digest, size } = await pushImage(engine, parseReference(o.reference), options, credentials(session));
      return { digest, size };
    }
    case 'load': {
      const { loadImages } = await import('./archives.ts');
      const onProgress = (progress: LayerProgress): void => caller.onEvent({ type: 'archive', progress });
      const loaded = await loadImages(engine, await input(session, signal), {
        signal,
        onProgress,
        ...(o.platform && { platform: o.platform }),
      });
      return loaded.map(({ image, names, replaced }) => ({ id: image.id, names, replaced }));
    }
    case 'save': {
      const { saveImages } = await import('./archives.ts');
      await saveImages(engine, o.images, await output(session), { signal });
      return undefined;
    }
    case 'import': {
      const { importImage } = await import('./archives.ts');
      const { kind: _, ...options } = o;
      return (await importImage(engine, await input(session, signal), { ...options, created: new Date(engine.now()), signal })).id;
    }
    case 'export': {
      const { exportContainer } = await import('./archives.ts');
      await exportContainer(engine, o.container, await output(session), signal);
      return undefined;
    }
    case 'copy-out': {
      const [containers, c] = await found(engine, o.container);
      const sink = await openSink(await output(session), signal);
      await copying.archiveOut(containers, c, o.path, {}, (chunk) => sink.write(chunk));
      await sink.finish();
      return undefined;
    }
    case 'copy-in': {
      const [containers, c] = await found(engine, o.container);
      await copying.archiveIn(containers, c, await input(session, signal), o.path, o);
      return undefined;
    }
    case 'remove': {
      const [containers, c] = await found(engine, o.container);
      await containers.remove(c, { force: o.force, volumes: o.volumes });
      return undefined;
    }
    case 'remove-image': {
      const removed = engine.images.remove(o.image, { force: o.force, prune: o.prune });
      engine.collector().collect();
      return removed;
    }
    case 'prune-containers':
      return pruneContainers(engine, o.filter);
    case 'prune-images':
      return pruneImages(engine, o.filter);
    case 'prune-volumes':
      return pruneVolumes(engine, o.filter);
    case 'prune-cache':
      return pruneBuilder(engine, o.filter);
    case 'unpack': {
      using lease = engine.leases.create();
      const image = engine.images.hold(o.image, lease);
      if (image !== undefined && image.layers.length > 0) await engine.images.snapshot(image, lease, { signal });
      return undefined;
    }
    case 'changes':
      return changesOf(...(await found(engine, o.container)));
    case 'commit':
      return (await commitContainer(...(await found(engine, o.container)), o.options)).id;
    default:
      throw new SlipwayError('internal', 'operation.unknown', `there is no operation ${String(o satisfies never as unknown)}`);
  }
}

async function found(engine: Engine, word: string): Promise<[ContainerManager, Container]> {
  const containers = await engine.containers();
  return [containers, containers.records.resolve(word)];
}

const credentials = (session: Session): { get(host: string): Promise<SessionCredentials | undefined> } => ({
  get: (host) => session.credentials(host),
});

async function input(session: Session, signal: AbortSignal): Promise<Readable> {
  const files = await session.local('input', {}, signal);
  if (files.kind === 'stream') return files.stream;
  throw new SlipwayError('invalid-argument', 'session.local', 'an archive is expected, not a folder');
}

/** What is written synchronously, while files are mounted, needs a descriptor. */
async function output(session: Session): Promise<number> {
  const place = await session.output('output');
  if (place.kind === 'descriptor') return place.fd;
  throw new SlipwayError('invalid-argument', 'session.output', 'an open descriptor is expected for an archive');
}
