// A build with all that becomes of it: images for one or several platforms, where they go, and what is stated about them.
import { writeFileSync } from 'node:fs';
import type { BuildRequest } from '../build/index.ts';
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import {
  type Descriptor,
  type Digest,
  encodeJson,
  familiarReference,
  formatPlatform,
  hostPlatform,
  MediaType,
  parseReference,
  type Platform,
  sha256,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { CopyTarget } from '../registry/index.ts';
import { withMounted } from '../snapshot/index.ts';
import type { Attestation } from './attest/index.ts';
import { build, type BuildEngine, type BuildOutcome, type Travel } from './build.ts';
import type { Engine } from './engine.ts';
import { type Output, viewOf, writeLayoutWith, writeOutput } from './outputs.ts';
import { pushImage, USUAL_LEVELS } from './registry.ts';
import { sendImage, sendManifest } from './ship.ts';
import { compareBuilds, type ImageDifference } from './verify.ts';

/** One `--annotation`: on what, and for which platform, if not for all. */
export interface Annotation {
  readonly on: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
  readonly platform?: string;
  readonly key: string;
  readonly value: string;
}

export interface Delivery {
  /** The store alone when empty. */
  readonly outputs: readonly Output[];
  /** Those of a list; when empty one image is made, for the request's platform. */
  readonly platforms: readonly Platform[];
  readonly travel?: Travel;
  readonly annotations: readonly Annotation[];
  readonly sbom: boolean;
  readonly provenance?: 'min' | 'max';
  /** Build a second time, and compare. */
  readonly verify: boolean;
}

export interface Delivered {
  /** For this machine, or the first. */
  readonly image: Image;
  readonly ref: string;
  /** Of what was pushed or written as a list. */
  readonly digest?: Digest;
  readonly difference?: ImageDifference;
}

interface Built extends BuildOutcome {
  readonly platform: Platform;
}

/** @throws what the build throws; unsupported 'output.*' for outputs that cannot hold what was asked for. */
export async function buildAndDeliver(engine: Engine, which: BuildEngine, request: BuildRequest, delivery: Delivery): Promise<Delivered> {
  const { outputs, platforms } = delivery;
  check(delivery, request);
  const stored = outputs.length === 0 || outputs.some((out) => out.kind === 'image' && out.store);
  const names = outputs.flatMap((out) => (out.kind === 'image' ? out.names : []));
  const tags = stored && platforms.length === 0 ? [...request.tags, ...names] : [];
  const before =
    !stored || platforms.length > 0 || delivery.verify ? new Set(engine.images.list({ all: true }).map((i) => i.id)) : new Set<string>();
  // what is only stored needs no holding: it has its names
  const lease = outputs.length > 0 || platforms.length > 0 || delivery.verify ? engine.leases.create() : undefined;
  const built: Built[] = [];
  const unwanted: Digest[] = [];
  try {
    for (const platform of platforms.length === 0 ? [request.platform] : platforms) {
      const prefix = platforms.length > 1 && platform !== undefined ? { platformLabel: formatPlatform(platform) } : {};
      const outcome = await build(engine, which, { ...request, tags, ...(platform && { platform }), ...prefix }, delivery.travel, lease);
      built.push({ ...outcome, platform: platform ?? hostPlatform() });
      if (!stored || platforms.length > 0) unwanted.push(outcome.result.image.id);
    }
    const [first] = built;
    if (first === undefined) throw new SlipwayError('internal', 'build.no-platform', 'nothing was built');
    const digests: Digest[] = [];
    if (lease) for (const out of outputs) digests.push(...(await deliver(engine, request, delivery, built, out, lease)));
    const difference = delivery.verify && lease ? await verify(engine, which, request, first.result.image, lease, unwanted) : undefined;
    const [digest] = digests;
    return { image: first.result.image, ref: first.ref, ...(digest !== undefined && { digest }), ...(difference && { difference }) };
  } finally {
    lease?.release();
    // only what is asked for stays; the cache has the layers
    for (const id of unwanted) if (!before.has(id)) engine.images.removeUnused(id);
  }
}

/** What cannot be had is refused before anything is built. */
function check({ outputs, platforms, annotations, sbom, provenance }: Delivery, request: BuildRequest): void {
  const attested = sbom || provenance !== undefined;
  const effective: readonly Output[] = outputs.length === 0 ? [{ kind: 'image', names: [], push: false, store: true }] : outputs;
  for (const out of effective) {
    const list = (out.kind === 'archive' && out.format === 'oci') || out.kind === 'layout' || (out.kind === 'image' && out.push);
    const what =
      platforms.length > 0
        ? 'images for several platforms'
        : attested
          ? 'attestations'
          : annotations.length > 0
            ? 'annotations'
            : undefined;
    const local = out.kind === 'local' && annotations.length === 0;
    if (what !== undefined && !list && !local && out.kind !== 'cacheonly')
      throw new SlipwayError(
        'unsupported',
        'output.list',
        `${what} need a list, which ${out.kind === 'image' ? 'the store' : `an output of this type`} does not keep`,
        {
          hints: ['push it (--push), or write a layout: -o type=oci,dest=FILE'],
        },
      );
    if (out.kind === 'image' && out.push && request.tags.length + out.names.length === 0)
      throw new SlipwayError('invalid-argument', 'output.push', 'tag is needed when pushing to registry', {
        hints: ['-t registry.example/app:1'],
      });
  }
}

async function deliver(
  engine: Engine,
  request: BuildRequest,
  delivery: Delivery,
  built: readonly Built[],
  out: Output,
  lease: Lease,
): Promise<Digest[]> {
  const { annotations, sbom, provenance } = delivery;
  const listed = delivery.platforms.length > 0 || sbom || provenance !== undefined || annotations.length > 0;
  const names = 'names' in out && out.names.length > 0 ? out.names : request.tags;
  const [first] = built as [Built, ...Built[]];
  switch (out.kind) {
    case 'image':
      if (!out.push) return [];
      return await step(engine, request, 'exporting to registry', async () =>
        listed ? await pushLists(engine, request, delivery, built, names, lease) : await pushNames(engine, request, names),
      );
    case 'archive':
    case 'layout':
      if (!listed || (out.kind === 'archive' && out.format === 'docker')) {
        await writeOutput(engine, first.result.image, out, request.tags, request.signal);
        return [];
      }
      return await step(engine, request, 'exporting to oci image format', async () => {
        return [
          await writeLayoutWith(engine, out.dest, names, request.signal, (target) =>
            sendList(engine, request, delivery, built, target, names, lease),
          ),
        ];
      });
    case 'local': {
      for (const b of built) {
        const dest = delivery.platforms.length === 0 ? out.dest : `${out.dest}/${formatPlatform(b.platform).replaceAll('/', '_')}`;
        const statements = await attestationsOf(engine, request, delivery, b, names, lease);
        await writeOutput(engine, b.result.image, { kind: 'local', dest }, request.tags, request.signal);
        await writeStatements(dest, statements, names, b);
      }
      return [];
    }
    default:
      await writeOutput(engine, first.result.image, out, request.tags, request.signal);
      return [];
  }
}

/** Told as a step of the build. */
async function step<T>(engine: Engine, request: BuildRequest, name: string, fn: () => Promise<T>): Promise<T> {
  const { internalTeller } = await import('../build/index.ts');
  const tell = internalTeller(request.onEvent, engine.now, name);
  tell('started');
  try {
    const result = await fn();
    tell('done');
    return result;
  } catch (e) {
    tell('failed', e);
    throw e;
  }
}

const COMPRESSION = { kind: 'gzip', level: USUAL_LEVELS.gzip } as const;

async function pushNames(engine: Engine, request: BuildRequest, names: readonly string[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const name of new Set(names)) {
    const { digest } = await pushImage(engine, parseReference(name), {
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
    });
    digests.push(digest);
  }
  return digests;
}

async function pushLists(
  engine: Engine,
  request: BuildRequest,
  delivery: Delivery,
  built: readonly Built[],
  names: readonly string[],
  lease: Lease,
): Promise<Digest[]> {
  const { openTarget } = await import('../registry/index.ts');
  using registries = await engine.registries(request.signal);
  const digests: Digest[] = [];
  for (const name of new Set(names)) {
    const target = openTarget(registries, { kind: 'docker', at: name }, undefined, { compression: COMPRESSION });
    digests.push(await sendList(engine, request, delivery, built, target, names, lease));
    await target.finish();
  }
  return digests;
}

/** Sends images, what is stated about them, and the list of it all; a single image without statements needs no list. */
async function sendList(
  engine: Engine,
  request: BuildRequest,
  delivery: Delivery,
  built: readonly Built[],
  target: CopyTarget,
  names: readonly string[],
  lease: Lease,
): Promise<Digest> {
  const { sendAttestations } = await import('./attest/index.ts');
  const indexAnnotations = annotationsOf(delivery, 'index');
  const alone =
    delivery.platforms.length === 0 && !delivery.sbom && delivery.provenance === undefined && Object.keys(indexAnnotations).length === 0;
  const manifests: Descriptor[] = [];
  const statements: Descriptor[] = [];
  for (const b of built) {
    const annotations = annotationsOf(delivery, 'manifest', b.platform);
    const o = { compression: COMPRESSION, annotations, root: alone, signal: request.signal };
    const descriptor = await sendImage(engine, b.result.image, target, o, lease);
    if (alone) return descriptor.digest;
    const onDescriptor = annotationsOf(delivery, 'manifest-descriptor', b.platform);
    manifests.push({ ...descriptor, platform: b.platform, ...(Object.keys(onDescriptor).length > 0 && { annotations: onDescriptor }) });
    const attestations = await attestationsOf(engine, request, delivery, b, names, lease);
    if (attestations.length > 0)
      statements.push(await sendAttestations(engine, target, descriptor, subjectNames(names, b), attestations, lease));
  }
  const index = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: [...manifests, ...statements],
    ...(Object.keys(indexAnnotations).length > 0 && { annotations: indexAnnotations }),
  };
  await sendManifest(target, index, MediaType.ociIndex, true);
  return sha256(encodeJson(index));
}

function annotationsOf({ annotations }: Delivery, on: Annotation['on'], platform?: Platform): Record<string, string> {
  const wanted = annotations.filter(
    (a) => a.on === on && (a.platform === undefined || (platform !== undefined && a.platform === formatPlatform(platform))),
  );
  return Object.fromEntries(wanted.map((a) => [a.key, a.value]));
}

/** Package URLs of the names (package-url.github.io, type docker). */
function subjectNames(names: readonly string[], { platform }: Built): string[] {
  const tail = `?platform=${encodeURIComponent(formatPlatform(platform))}`;
  if (names.length === 0) return [`pkg:docker/image${tail}`];
  return names.map((name) => {
    const ref = withDefaultTag(parseReference(name));
    return `pkg:docker/${familiarReference({ domain: ref.domain, path: ref.path })}@${ref.tag ?? ref.digest}${tail}`;
  });
}

async function attestationsOf(
  engine: Engine,
  request: BuildRequest,
  delivery: Delivery,
  b: Built,
  names: readonly string[],
  lease: Lease,
): Promise<Attestation[]> {
  const found: Attestation[] = [];
  if (!delivery.sbom && delivery.provenance === undefined) return found;
  const { provenance, scan, SLSA, SPDX, spdxDocument } = await import('./attest/index.ts');
  if (delivery.sbom) {
    const packages = withMounted(engine.layout, await viewOf(engine, b.result.image, lease), scan);
    found.push({
      predicateType: SPDX,
      predicate: spdxDocument(
        names[0] ?? b.result.image.id,
        packages,
        request.sourceDateEpoch === undefined ? engine.now() : request.sourceDateEpoch * 1000,
      ),
    });
  }
  if (delivery.provenance !== undefined) {
    const { platform, ref, startedAt, finishedAt } = b;
    const { sources, steps } = b.result.describe?.() ?? { sources: [], steps: [] };
    found.push({
      predicateType: SLSA,
      predicate: provenance({ request, platform, sources, steps, ref, startedAt, finishedAt, mode: delivery.provenance }),
    });
  }
  return found;
}

/** Beside the files of an image that goes to a folder, in BuildKit's names. */
async function writeStatements(dest: string, statements: readonly Attestation[], names: readonly string[], b: Built): Promise<void> {
  if (statements.length === 0) return;
  const { statement, SPDX } = await import('./attest/index.ts');
  for (const s of statements) {
    const file = s.predicateType === SPDX ? 'sbom.spdx.json' : 'provenance.json';
    writeFileSync(
      `${dest}/${file}`,
      `${JSON.stringify(
        statement(
          s,
          subjectNames(names, b).map((name) => ({ name, digest: b.result.image.id })),
        ),
        null,
        2,
      )}\n`,
    );
  }
}

async function verify(
  engine: Engine,
  which: BuildEngine,
  request: BuildRequest,
  one: Image,
  lease: Lease,
  unwanted: Digest[],
): Promise<ImageDifference> {
  const { result } = await build(engine, which, { ...request, tags: [], noCache: true }, undefined, lease);
  if (result.image.id !== one.id) unwanted.push(result.image.id);
  return compareBuilds(engine, one, result.image);
}
