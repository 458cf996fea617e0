// Cache mounts on their way: packed as a tar of what they hold, unpacked where there is none of that id yet.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { compressor, decompressor, TarParser } from '../../archive/index.ts';
import { cacheMountName } from '../../builder/index.ts';
import type { Descriptor, Digest } from '../../model/index.ts';
import { LayerApplier, tarTree } from '../../snapshot/index.ts';
import { ownedFolder } from '../../store/index.ts';
import { FileLock, removeTree } from '../../sys/index.ts';
import type { Engine } from '../engine.ts';
import { MOUNT_LAYER } from './format.ts';
import { arriving, type OpenCache } from './import.ts';
import type { CacheImport } from './spec.ts';
import { throwAfter } from '../../util/index.ts';

/** zstd; what programs keep in such folders is mostly compressed already. */
const LEVEL = 3;

const wanted = (which: CacheImport['mounts'], id: string): boolean => which === 'all' || (which !== 'none' && which.includes(id));

/** Each cache mount as a file that is there until the next one is asked for. Others wait while it is read. */
export async function* packMounts(
  engine: Engine,
  which: CacheImport['mounts'],
  signal: AbortSignal,
): AsyncGenerator<{ id: string; descriptor: Descriptor; path: string }> {
  if (which === 'none') return;
  const rows = engine.db.read((sql) => sql.all<{ id: string; directory: string }>('SELECT id, directory FROM cache_mounts ORDER BY id'));
  // further copies of a `private` cache have names with a number: one of them travels
  for (const { id, directory } of rows.filter((r) => r.directory.endsWith('-0') && wanted(which, r.id))) {
    const folder = ownedFolder(engine.layout);
    try {
      const [plain, path] = [join(folder, 'tar'), join(folder, 'tar.zst')];
      {
        using _lock = await FileLock.acquire(join(engine.layout.locks, `cache-${directory}`), 'exclusive', { signal });
        await writeTar(join(engine.layout.cacheMounts, directory), plain);
      }
      const hash = createHash('sha256');
      const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      };
      await pipeline(createReadStream(plain, { highWaterMark: 1 << 20 }), compressor('zstd', LEVEL), hashed, createWriteStream(path), {
        signal,
      });
      rmSync(plain);
      const digest: Digest = `sha256:${hash.digest('hex')}`;
      yield {
        id,
        descriptor: { mediaType: MOUNT_LAYER, digest, size: statSync(path).size, annotations: { 'io.slipway.cache.mount': id } },
        path,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function writeTar(root: string, path: string): Promise<void> {
  const out = createWriteStream(path);
  const done = new Promise<void>((resolve, reject) => out.on('close', resolve).on('error', reject));
  tarTree(root, (chunk) => void out.write(Buffer.from(chunk)));
  out.end();
  await done;
}

/** Unpacks the cache mounts of a cache that are not here; the ids of those that came. */
export async function unpackMounts(engine: Engine, cache: OpenCache, which: CacheImport['mounts'], signal: AbortSignal): Promise<string[]> {
  const came: string[] = [];
  for (const { id, blob } of cache.config.mounts) {
    const descriptor = cache.blobs[blob];
    if (descriptor === undefined || !wanted(which, id)) continue;
    const directory = `${cacheMountName(id)}-0`;
    const path = join(engine.layout.cacheMounts, directory);
    if (existsSync(path)) continue;
    using _lock = await FileLock.acquire(join(engine.layout.locks, `cache-${directory}`), 'exclusive', { signal });
    if (existsSync(path)) continue;
    const aside = `${path}.new-${process.pid}`;
    removeTree(aside);
    mkdirSync(aside, { recursive: true });
    const applier = new LayerApplier(aside, { overlay: false });
    try {
      const arrived = arriving(cache.source, descriptor);
      const parser = new TarParser(applier);
      await pipeline(
        () => arrived.chunks(),
        decompressor('zstd'),
        async (plain: AsyncIterable<Buffer>) => {
          for await (const chunk of plain) parser.write(chunk);
        },
        { signal },
      );
      parser.finish();
      applier.finish();
      await arrived.verified();
      renameSync(aside, path);
    } catch (e) {
      throwAfter(
        e,
        () => applier.abort(),
        () => removeTree(aside),
      );
    }
    const now = engine.now();
    engine.db.transaction((sql) =>
      sql.run('INSERT OR REPLACE INTO cache_mounts (id, directory, created_at, used_at) VALUES (?, ?, ?, ?)', id, directory, now, now),
    );
    came.push(id);
  }
  return came;
}
