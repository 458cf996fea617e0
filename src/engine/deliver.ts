// A build with all that becomes of it: images for one or several platforms, where they go, and what is stated about them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildJob, BuiltCache } from '../builder/index.ts';
import type { Lease } from '../content/index.ts';
import type { ArchiveTarget, Image } from '../image/index.ts';
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  hostPlatform,
  parseReference,
  repositoryName,
  SlipwayError,
} from '../model/index.ts';
import { withMounted } from '../snapshot/index.ts';
import { RootedTree, writeFileAtomic } from '../sys/index.ts';
import { build, type BuildEngine } from './build.ts';
import type { Delivery } from './delivery.ts';
import type { Engine } from './engine.ts';
import { needsList, sendBuild, type Sending } from './lists-of-build.ts';
import { type ImageOutput, isPlain, type Output } from './output-spec.ts';
import { type Tree, viewOf, writeArchiveWith, writeImage, writeLayoutWith, writeTar } from './outputs.ts';
import { pushImage, USUAL_LEVELS } from './registry.ts';
import { sessionCredentials } from './session/index.ts';
import { attestationsOf, type Built, filesOf, provenanceInput, statementFiles } from './statements.ts';
import { compareBuilds, type ImageDifference } from './verify.ts';
import { withCleanup } from '../util/index.ts';

export interface Delivered {
  /** Of the image for this machine, or the first. */
  readonly imageId: Digest;
  /** What `builder history` calls the build. */
  readonly ref: string;
  /** Of what was pushed or written as a list. */
  readonly descriptor?: Descriptor;
  readonly difference?: ImageDifference;
  /** The lock file of the base images, where it was asked for. */
  readonly lock?: string;
  /** Where the images came from, by `''` or, where there are several, `/PLATFORM`. */
  readonly provenance?: Readonly<Record<string, object>>;
}

/**
 * @param statement how much of the provenance is wanted
 * @throws what the build throws; unsupported 'output.*' for outputs that cannot hold what was asked for
 */
export async function buildAndDeliver(
  engine: Engine,
  which: BuildEngine,
  request: BuildJob,
  delivery: Delivery,
  statement?: 'min' | 'max',
): Promise<Delivered> {
  const { outputs, platforms } = delivery;
  check(delivery, request);
  const stored = outputs.length === 0 || outputs.some((out) => out.kind === 'image' && out.store);
  const names = outputs.flatMap((out) => (out.kind === 'image' && !out.byDigest ? out.names : []));
  const tags = stored && platforms.length === 0 ? [...request.tags, ...names] : [];
  const before =
    !stored || platforms.length > 0 || delivery.verify ? new Set(engine.images.list({ all: true }).map((i) => i.id)) : new Set<string>();
  // what is only stored needs no holding: it has its names
  const lease = outputs.length > 0 || platforms.length > 0 || delivery.verify ? engine.leases.create() : undefined;
  const built: Built[] = [];
  const unwanted: Digest[] = [];
  const work = async (): Promise<Delivered> => {
    const gathered: BuiltCache[] = [];
    for (const [i, platform] of (platforms.length === 0 ? [request.platform] : platforms).entries()) {
      const prefix = platforms.length > 1 && platform !== undefined ? { platformLabel: formatPlatform(platform) } : {};
      const travel = delivery.caches && { ...delivery.caches, gathered, more: i + 1 < platforms.length };
      const { ref, ...unnamed } = request;
      const named = { ...unnamed, ...(ref !== undefined && i === 0 && { ref }) };
      const outcome = await build(engine, which, { ...named, tags, ...(platform && { platform }), ...prefix }, travel, lease);
      built.push({ ...outcome, platform: platform ?? hostPlatform() });
      if (!stored || platforms.length > 0) unwanted.push(outcome.result.image.id);
    }
    const [first] = built;
    if (first === undefined) throw new SlipwayError('internal', 'build.no-platform', 'nothing was built');
    const descriptors: Descriptor[] = [];
    for (const out of lease ? outputs : [])
      descriptors.push(...(await deliver(engine, request, delivery, built, await opened(out, request), lease!)));
    const difference = delivery.verify && lease ? await verify(engine, which, request, first.result.image, lease, unwanted) : undefined;
    const [descriptor] = descriptors;
    const lock = request.lock?.text();
    return {
      imageId: first.result.image.id,
      ref: first.ref,
      ...(descriptor !== undefined && { descriptor }),
      ...(difference && { difference }),
      ...(lock !== undefined && { lock }),
      ...(statement && { provenance: await provenanceOfAll(request, built, platforms.length > 0, statement) }),
    };
  };
  return await withCleanup(
    work,
    () => lease?.release(),
    // only what is asked for stays; the cache has the layers
    () => {
      for (const id of unwanted) if (!before.has(id)) engine.images.removeUnused(id);
    },
  );
}

async function provenanceOfAll(
  request: BuildJob,
  built: readonly Built[],
  several: boolean,
  mode: 'min' | 'max',
): Promise<Record<string, object>> {
  const { definition } = await import('./attest/index.ts');
  return Object.fromEntries(
    built.map((b) => [several ? `/${formatPlatform(b.platform)}` : '', definition(provenanceInput(request, b, { mode, version: 'v0.2' }))]),
  );
}

/** What cannot be had is refused before anything is built. */
function check(delivery: Delivery, request: BuildJob): void {
  const { outputs, platforms, annotations, sbom, provenance } = delivery;
  const attested = sbom || provenance !== undefined;
  const effective: readonly (Output<string> | undefined)[] = outputs.length === 0 ? [undefined] : outputs;
  for (const out of effective) {
    const files = out?.kind === 'local' || out?.kind === 'tar';
    const list = (out?.kind === 'archive' && out.format === 'oci') || out?.kind === 'layout' || (out?.kind === 'image' && out.push);
    const what =
      platforms.length > 0
        ? 'images for several platforms'
        : attested
          ? 'attestations'
          : annotations.length > 0
            ? 'annotations'
            : undefined;
    if (what !== undefined && !list && !(files && annotations.length === 0) && out?.kind !== 'cacheonly')
      throw new SlipwayError(
        'unsupported',
        'output.list',
        `${what} need a list, which ${out === undefined || out.kind === 'image' ? 'the store' : `an output of this type`} does not keep`,
        { hints: ['push it (--push), or write a layout: -o type=oci,dest=FILE'] },
      );
    if (out !== undefined && 'form' in out) {
      const { dockerTypes, annotations: own } = out.form;
      if (dockerTypes && (attested || annotations.length > 0))
        throw new SlipwayError(
          'invalid-argument',
          'output.types',
          `${attested ? 'attestations' : 'annotations'} need the media types of OCI`,
          {
            hints: ['leave oci-mediatypes=false out'],
          },
        );
      if (out.kind === 'archive' && out.format === 'docker' && own.some((a) => a.on !== 'manifest'))
        throw new SlipwayError('unsupported', 'output.list', 'an archive for Docker holds one image, and no list to annotate', {
          hints: ['-o type=oci,dest=FILE'],
        });
    }
    if (out?.kind === 'image' && out.push && request.tags.length + out.names.length === 0)
      throw new SlipwayError('invalid-argument', 'output.push', 'tag is needed when pushing to registry', {
        hints: ['-t registry.example/app:1'],
      });
  }
}

/** An output with the place that the caller's session has for it. */
async function opened(out: Output<string>, { session }: BuildJob): Promise<Output<ArchiveTarget>> {
  if (!('dest' in out)) return out;
  const place = await session.output(out.dest);
  const dest = place.kind === 'path' ? place.path : place.kind === 'descriptor' ? place.fd : place.stream;
  return { ...out, dest };
}

async function deliver(
  engine: Engine,
  request: BuildJob,
  delivery: Delivery,
  built: readonly Built[],
  out: Output<ArchiveTarget>,
  lease: Lease,
): Promise<Descriptor[]> {
  const names = 'names' in out && out.names.length > 0 ? out.names : request.tags;
  const [first] = built as [Built, ...Built[]];
  switch (out.kind) {
    case 'image': {
      if (!out.push) return [];
      const direct = isPlain(out.form) && out.store && !out.byDigest && !out.insecure && !needsList({ delivery, form: out.form });
      return await step(engine, request, 'exporting to registry', async () =>
        direct && delivery.annotations.length === 0
          ? await pushNames(engine, request, out, first, names)
          : await pushBuild(engine, request, delivery, built, out, names, lease),
      );
    }
    case 'archive':
    case 'layout': {
      const { form } = out;
      const format = out.kind === 'layout' ? 'oci' : out.format;
      const s: Sending = { delivery, form, usual: format === 'docker' ? 'none' : COMPRESSION, names };
      if (isPlain(form) && !needsList(s) && delivery.annotations.length === 0) {
        await writeImage(engine, first.result.image, { dest: out.dest, format, folder: out.kind === 'layout' }, names, request.signal);
        return [];
      }
      const send = (target: Parameters<typeof sendBuild>[3]): Promise<Descriptor> => sendBuild(engine, request, built, target, s, lease);
      return await step(engine, request, `exporting to ${format === 'oci' ? 'oci' : 'docker'} image format`, async () => [
        format === 'docker'
          ? await writeArchiveWith(out.dest, names, request.signal, send)
          : await writeLayoutWith(engine, out.dest, names, request.signal, out.kind === 'layout', send),
      ]);
    }
    case 'local':
    case 'tar':
      await writeFiles(engine, request, delivery, built, out, names, lease);
      return [];
    case 'cacheonly':
      return [];
    default:
      return out satisfies never;
  }
}

/** The files of all platforms, with what is stated about them, as a folder or a tar. */
async function writeFiles(
  engine: Engine,
  request: BuildJob,
  delivery: Delivery,
  built: readonly Built[],
  out: Extract<Output<ArchiveTarget>, { kind: 'local' | 'tar' }>,
  names: readonly string[],
  lease: Lease,
): Promise<void> {
  const several = delivery.platforms.length > 0;
  const split = out.files.split ?? several;
  const time = out.files.epoch ?? request.sourceDateEpoch;
  const trees: Tree[] = [];
  for (const b of built) {
    const platform = formatPlatform(b.platform).replaceAll('/', '_');
    const view = await viewOf(engine, b.result.image, lease);
    const attestations = await attestationsOf(engine, request, delivery, b, names, lease);
    const subjects = attestations.length === 0 ? [] : withMounted(engine.layout, view, filesOf);
    const mark = several && !split ? platform : undefined;
    const documents = await statementFiles(attestations, subjects, out.files.attestationPrefix, mark);
    trees.push({ folder: split ? platform : '', view, documents });
  }
  const { dest: folder } = out;
  if (typeof folder !== 'string' || out.kind === 'tar') return await writeTar(engine, trees, out.dest, time, request.signal);
  const { copyTree } = await import('../builder/index.ts');
  mkdirSync(folder, { recursive: true });
  for (const { folder: part, view, documents } of trees) {
    using tree = new RootedTree(folder);
    using made = tree.makeDirectories(part, 0o755);
    const dest = join(folder, made.inside);
    await copyTree(engine.layout, view, dest, engine.now(), time);
    // in place of what stands there, which may be a link that the image brought
    for (const { name, content } of documents) writeFileAtomic(join(dest, name), content, { mode: 0o600 });
  }
}

/** Told as a step of the build. */
async function step<T>(engine: Engine, request: BuildJob, name: string, fn: () => Promise<T>): Promise<T> {
  const { stepReporter } = await import('../builder/index.ts');
  const report = stepReporter(request.onEvent, engine.now, name);
  report('started');
  try {
    const result = await fn();
    report('done');
    return result;
  } catch (e) {
    report('failed', e);
    throw e;
  }
}

const COMPRESSION = { kind: 'gzip', level: USUAL_LEVELS.gzip } as const;

/** Gives an image that was pushed its further names. */
function nameByDigest(engine: Engine, image: Image, out: ImageOutput, names: readonly string[], { digest }: Descriptor): void {
  if (!out.store) return;
  for (const name of names) engine.images.tag(image.id, `${repositoryName(parseReference(name))}@${digest}`);
  const { dangling } = out;
  if (dangling !== undefined && !(dangling.emptyOnly && names.length > 0)) engine.images.tag(image.id, `${dangling.prefix}@${digest}`);
}

async function pushNames(
  engine: Engine,
  request: BuildJob,
  out: ImageOutput,
  { result }: Built,
  names: readonly string[],
): Promise<Descriptor[]> {
  const pushed: Descriptor[] = [];
  for (const name of new Set(names)) {
    const { digest, size, mediaType } = await pushImage(
      engine,
      parseReference(name),
      {
        signal: request.signal,
        compression: COMPRESSION,
        onProgress: ({ diffId, state, current, total }) =>
          request.onEvent({
            type: 'progress',
            id: 'internal:exporting to registry',
            name: `${state} ${diffId.slice(0, 19)}`,
            current,
            total,
            done: state === 'pushed' || state === 'present' || state === 'mounted',
          }),
      },
      sessionCredentials(request.session),
    );
    pushed.push({ mediaType, digest, size });
    nameByDigest(engine, result.image, out, [name], { mediaType, digest, size });
  }
  return pushed;
}

async function pushBuild(
  engine: Engine,
  request: BuildJob,
  delivery: Delivery,
  built: readonly Built[],
  out: ImageOutput,
  names: readonly string[],
  lease: Lease,
): Promise<Descriptor[]> {
  const { openTarget } = await import('../registry/index.ts');
  const insecure = out.insecure ? names.map((name) => parseReference(name).domain) : [];
  using registries = await engine.registries(request.signal, insecure, sessionCredentials(request.session));
  const pushed: Descriptor[] = [];
  for (const name of new Set(names)) {
    const to = { kind: 'docker', at: name, byDigest: out.byDigest } as const;
    const target = await openTarget(registries, to, undefined, { compression: COMPRESSION, signal: request.signal });
    const descriptor = await sendBuild(engine, request, built, target, { delivery, form: out.form, usual: COMPRESSION, names }, lease);
    await target.finish();
    pushed.push(descriptor);
    const [only] = built;
    if (only !== undefined && delivery.platforms.length === 0) nameByDigest(engine, only.result.image, out, [name], descriptor);
  }
  return pushed;
}

async function verify(
  engine: Engine,
  which: BuildEngine,
  request: BuildJob,
  one: Image,
  lease: Lease,
  unwanted: Digest[],
): Promise<ImageDifference> {
  const { result } = await build(engine, which, { ...request, tags: [], noCache: true }, undefined, lease);
  if (result.image.id !== one.id) unwanted.push(result.image.id);
  return compareBuilds(engine, one, result.image);
}
