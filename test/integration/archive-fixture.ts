// Image archives made of pieces that are known, and stores to load them into.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeTar } from '../../src/archive/testing.ts';
import { ContentStore, GarbageCollector } from '../../src/content/index.ts';
import { ImageStore, type Image } from '../../src/image/index.ts';
import { encodeJson, isSlipwayError, MediaType, sha256 } from '../../src/model/index.ts';
import { openSnapshotter } from '../../src/snapshot/index.ts';
import { Database, layout } from '../../src/store/index.ts';
import { scratch } from '../support/store.ts';

interface Room {
  readonly dir: string;
  readonly images: ImageStore;
  readonly collector: GarbageCollector;
}

export function room(t: TestContext): Room {
  const dir = scratch();
  const places = layout(join(dir, 'root'), join(dir, 'run'));
  const db = Database.open(places.root);
  t.after(() => {
    db.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const images = new ImageStore(places, db, new ContentStore(places, db), openSnapshotter(places, db));
  return { dir, images, collector: new GarbageCollector(places, db) };
}

const layer = (name: string, size = 10): Buffer => makeTar([{ path: 'd/' }, { path: `d/${name}`, content: name.repeat(size) }]);

/** A configuration over these layers, whose time makes it different from others. */
export const config = (layers: readonly Buffer[], created = '2026-01-02T03:04:05Z'): Buffer =>
  encodeJson({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: { Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: layers.map((l) => sha256(l)) },
  });

const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An archive as Docker before 25 wrote it, its layers through `pack`. */
export function dockerArchive(
  images: ReadonlyArray<{ layers: readonly Buffer[]; tags: readonly string[] }>,
  pack = (b: Buffer): Buffer => b,
): Buffer {
  const members = new Map<string, Buffer>();
  const manifest = images.map(({ layers, tags }) => {
    const bytes = config(layers);
    members.set(`${hex(bytes)}.json`, bytes);
    for (const l of layers) members.set(`${hex(l)}/layer.tar`, pack(l));
    return { Config: `${hex(bytes)}.json`, RepoTags: tags, Layers: layers.map((l) => `${hex(l)}/layer.tar`) };
  });
  return makeTar([
    ...[...members].map(([path, content]) => ({ path, content })),
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

/** The files of an OCI layout with one image. */
export function ociFiles(
  layers: readonly Buffer[],
  pack: (b: Buffer) => Buffer,
  annotations: Record<string, string> = {},
): Map<string, Buffer> {
  const files = new Map<string, Buffer>([['oci-layout', encodeJson({ imageLayoutVersion: '1.0.0' })]]);
  const put = (bytes: Buffer, mediaType: string) => {
    files.set(`blobs/sha256/${hex(bytes)}`, bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const manifest = put(
    encodeJson({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: put(config(layers), MediaType.ociConfig),
      layers: layers.map((l) => put(pack(l), MediaType.ociLayerGzip)),
    }),
    MediaType.ociManifest,
  );
  const other = { ...manifest, platform: { os: 'plan9', architecture: 'mips' } };
  const attestation = {
    ...manifest,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const index = put(
    encodeJson({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [
        attestation,
        other,
        { ...manifest, platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch } },
      ],
    }),
    MediaType.ociIndex,
  );
  files.set('index.json', encodeJson({ schemaVersion: 2, manifests: [{ ...index, annotations }] }));
  return files;
}

export const tarOf = (files: ReadonlyMap<string, Buffer>): Buffer => makeTar([...files].map(([path, content]) => ({ path, content })));

/** The layers of an image as they are in the store, unpacked from compression. */
export async function stored(images: ImageStore, image: Image): Promise<Buffer[]> {
  return await Promise.all(
    image.layers.map(async ({ diffId }) => {
      const bytes = images.content.read(images.layers.blob(diffId)!.digest);
      return bytes[0] === 0x1f
        ? Buffer.from((await import('node:zlib')).gunzipSync(bytes))
        : bytes[0] === 0x28
          ? Buffer.from((await import('node:zlib')).zstdDecompressSync(bytes))
          : bytes;
    }),
  );
}

export function failsWith(code: string) {
  return (error: unknown): boolean => {
    assert.ok(isSlipwayError(error), String(error));
    assert.equal(error.code, code);
    return true;
  };
}

/** Bytes that no compression makes smaller, and always the same. */
export const noise = Buffer.concat(Array.from({ length: 5000 }, (_, i) => createHash('sha512').update(String(i)).digest()));
export const [a, b, c] = [layer('a'), makeTar([{ path: 'noise', content: noise }]), layer('c')];
export const packings: Record<string, (b: Buffer) => Buffer> = {
  none: (x) => x,
  gzip: (x) => gzipSync(x),
  zstd: (x) => zstdCompressSync(x),
};
