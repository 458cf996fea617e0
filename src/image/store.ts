// Images: configurations, layers and names over content. An image's ID is the digest of its configuration. Lists cost a few
// queries and touch no file.
import { type ContentStore, type Lease, Leases } from '../content/index.ts';
import { chainIds, type Digest, encodeJson, type ImageConfig, parseImageConfig, SlipwayError } from '../model/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout, Sql } from '../store/index.ts';
import { Layers } from './layers.ts';
import { Shipped } from './shipped.ts';
import type { Image, ImageLayer, ImageSummary, ListFilter, NewImage, Removal, UnpackProgress } from './types.ts';
import { crashPoint } from '../util/index.ts';
import { applyFilter, literalRepository } from './filter.ts';
import { idOf, setName } from './names.ts';
import { notFound, removeImage, removeUnusedImage } from './removal.ts';
import { type LabelsOf, reportArrival, reportImage, reportTag } from './reports.ts';

interface ImageRow {
  readonly id: Digest;
  readonly manifest_digest: Digest | null;
  readonly manifest_media_type: string | null;
  readonly parent_id: Digest | null;
  readonly created_at: number;
  readonly size: number;
}

interface Named {
  readonly image_id: string;
  readonly name: string;
}

export class ImageStore {
  readonly layers: Layers;
  readonly shipped: Shipped;
  readonly content: ContentStore;
  readonly leases: Leases;
  readonly layout: Layout;
  readonly #db: Database;

  constructor(layout: Layout, db: Database, content: ContentStore, snapshots: Snapshotter) {
    this.#db = db;
    this.content = content;
    this.leases = new Leases(db);
    this.layout = layout;
    this.layers = new Layers(layout, db, content, snapshots);
    this.shipped = new Shipped(db);
  }

  /** Images, newest first; intermediate ones of the original engine only with `all`. */
  list(filter: ListFilter = {}): ImageSummary[] {
    const summaries = this.#db.read((sql) => {
      const ids = idsOf(sql, filter.references);
      const all = <T>(query: string, key: string, order: string): T[] =>
        ids === undefined
          ? sql.all<T>(`${query} ORDER BY ${order}`)
          : sql.all<T>(`${query} WHERE ${key} IN (SELECT value FROM json_each(?)) ORDER BY ${order}`, JSON.stringify(ids));
      const rows = all<ImageRow>('SELECT * FROM images', 'id', 'created_at DESC, stored_at DESC, id');
      const names = grouped(all<Named>('SELECT image_id, name FROM image_names', 'image_id', 'name'), (r) => r.name);
      const digests = grouped(
        all<Named & { digest: string }>('SELECT image_id, name, digest FROM image_digests', 'image_id', 'name, digest'),
        (r) => `${r.name}@${r.digest}`,
      );
      const parents = new Set(rows.map((r) => r.parent_id));
      return rows
        .filter((r) => filter.all || names.has(r.id) || !parents.has(r.id))
        .map((r) => summary(r, names.get(r.id) ?? [], digests.get(r.id) ?? []));
    });
    return applyFilter(
      summaries,
      filter,
      (id) => this.get(id).config,
      (ref) => this.resolve(ref).createdAt,
    );
  }

  /** An image by its whole ID. @throws SlipwayError `image.not-found`. */
  get(id: Digest): Image {
    const row = this.#db.read((sql) => {
      const image = sql.get<ImageRow>('SELECT * FROM images WHERE id = ?', id);
      if (!image) return undefined;
      return {
        image,
        names: sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ? ORDER BY name', id).map((r) => r.name),
        digests: sql
          .all<{ name: string; digest: string }>('SELECT name, digest FROM image_digests WHERE image_id = ? ORDER BY name, digest', id)
          .map((r) => `${r.name}@${r.digest}`),
        layers: sql.all<ImageLayer>(
          'SELECT i.diff_id AS diffId, i.chain_id AS chainId, coalesce(l.content_size, l.size, 0) AS size, coalesce(l.size, 0) AS tarSize FROM image_layers i LEFT JOIN layers l ON l.diff_id = i.diff_id WHERE i.image_id = ? ORDER BY i.position',
          id,
        ),
      };
    });
    if (!row) throw notFound(id);
    const configBytes = this.content.read(id);
    const { image } = row;
    return {
      ...summary(image, row.names, row.digests),
      config: parseImageConfig(configBytes),
      configBytes,
      layers: row.layers,
      ...(image.manifest_digest !== null && { manifestDigest: image.manifest_digest }),
      ...(image.manifest_media_type !== null && { manifestMediaType: image.manifest_media_type }),
    };
  }

  /** By name, name with digest, ID, or the beginning of an ID. @throws SlipwayError `image.not-found` or `image.ambiguous`. */
  resolve(ref: string): Image {
    const id = this.#db.read((sql) => idOf(sql, ref));
    if (id === undefined) throw notFound(ref);
    return this.get(id);
  }

  /** As `resolve`, but undefined when there is none. */
  find(ref: string): Image | undefined {
    const id = this.#db.read((sql) => idOf(sql, ref));
    return id === undefined ? undefined : this.get(id);
  }

  /** As `find`, and keeps the image with all that it is made of, at once. */
  hold(ref: string, lease: Lease): Image | undefined {
    const id = this.#db.transaction((sql) => {
      const found = idOf(sql, ref);
      if (found !== undefined) lease.addImage(found);
      return found;
    });
    return id === undefined ? undefined : this.get(id);
  }

  /**
   * Records an image whose layers are in the store; the lease keeps it from then on. The same configuration again is the same image.
   * @throws SlipwayError `image.layer-lost`
   */
  create(image: NewImage, lease: Lease): Image {
    const bytes = image.config instanceof Uint8Array ? image.config : encodeJson(image.config);
    const config: ImageConfig = parseImageConfig(bytes);
    const id = this.content.add(bytes, lease);
    const chains = chainIds(config.rootfs.diff_ids);
    const now = Date.now();
    this.#db.transaction((sql) => {
      for (const l of image.layers ?? []) {
        sql.run(
          `INSERT INTO layers (diff_id, blob_digest, media_type, size, content_size) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (diff_id) DO UPDATE SET size = excluded.size, content_size = coalesce(excluded.content_size, content_size), blob_digest = coalesce(excluded.blob_digest, blob_digest), media_type = coalesce(excluded.media_type, media_type)`,
          l.diffId,
          l.blob?.digest ?? null,
          l.blob?.mediaType ?? null,
          l.tarSize,
          l.size ?? null,
        );
      }
      let size = 0;
      for (const diffId of config.rootfs.diff_ids) {
        const row = sql.get<{ size: number | null }>('SELECT coalesce(content_size, size) AS size FROM layers WHERE diff_id = ?', diffId);
        if (!row || !hasLayer(sql, diffId))
          throw new SlipwayError('failed-precondition', 'image.layer-lost', `layer ${diffId} of image ${id} is not in the store`);
        size += row.size ?? 0;
      }
      const created = Date.parse(config.created ?? '');
      const isNew = sql.get('SELECT 1 FROM images WHERE id = ?', id) === undefined;
      sql.run(
        `INSERT INTO images (id, manifest_digest, manifest_media_type, parent_id, created_at, size, stored_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET manifest_digest = coalesce(excluded.manifest_digest, manifest_digest), manifest_media_type = coalesce(excluded.manifest_media_type, manifest_media_type), stored_at = excluded.stored_at`,
        id,
        image.manifest?.digest ?? null,
        image.manifest?.mediaType ?? null,
        image.parentId ?? null,
        Number.isNaN(created) ? 0 : created,
        size,
        now,
      );
      config.rootfs.diff_ids.forEach((diffId, position) => {
        sql.run(
          'INSERT OR IGNORE INTO image_layers (image_id, position, diff_id, chain_id) VALUES (?, ?, ?, ?)',
          id,
          position,
          diffId,
          chains[position] as Digest,
        );
      });
      for (const name of image.names ?? []) setName(sql, id, name, now);
      reportArrival(sql, id, image, { isNew, labels: config.config?.Labels });
      lease.addImage(id);
      crashPoint('image.before-commit');
    });
    crashPoint('image.recorded');
    return this.get(id);
  }

  /** Gives an image a name, taking it from another one. `name` as people write it. @throws SlipwayError `reference.invalid`. */
  tag(id: Digest, name: string): void {
    this.#db.transaction((sql) => {
      if (sql.get('SELECT 1 FROM images WHERE id = ?', id) === undefined) throw notFound(id);
      setName(sql, id, name, Date.now());
      reportTag(sql, id, name, this.#labelsOf(id));
    });
  }

  /** When one of its names was given to it last, in ms since the epoch. */
  taggedAt(id: Digest): number | undefined {
    const row = this.#db.read((sql) =>
      sql.get<{ at: number | null }>('SELECT max(created_at) AS at FROM image_names WHERE image_id = ?', id),
    );
    return row?.at ?? undefined;
  }

  /** Reports what was done with an image: where it went, in Docker's words. */
  note(action: 'push' | 'save', { id, config }: Image, o: { readonly actor?: string; readonly name?: string } = {}): void {
    this.#db.removal((sql) => reportImage(sql, action, id, { ...o, labels: config.config?.Labels }));
  }

  /** The chain IDs of an image's layers, lowest first; none when there is no such image. */
  layerChains(id: Digest): Digest[] {
    return this.#db
      .read((sql) => sql.all<{ chain: Digest }>('SELECT chain_id AS chain FROM image_layers WHERE image_id = ? ORDER BY position', id))
      .map((r) => r.chain);
  }

  /** The images that were built on this one. */
  children(id: Digest): Digest[] {
    return this.#db.read((sql) => sql.all<{ id: Digest }>('SELECT id FROM images WHERE parent_id = ?', id)).map((r) => r.id);
  }

  /**
   * Removes a name, or the image when it was its last name or was given by its ID; with it go the nameless images that only it
   * was built on. An image that somebody is working with only loses its name. What the blobs and snapshots took is freed by the
   * next collection.
   * @throws SlipwayError `image.in-use`, `image.several-names`, `image.has-children`, in Docker's words.
   */
  remove(ref: string, o: { force?: boolean; prune?: boolean } = {}): Removal[] {
    return this.#db.removal((sql) => removeImage(sql, this.layout.root, ref, { ...o, labelsOf: this.#labelsOf }));
  }

  /**
   * Removes an image that nobody uses at this moment, and the nameless ones that only it was built on: with `named`, whatever it is
   * called, else only when it has no name. Nothing is removed, and nothing thrown, when that is not so, or it is gone.
   */
  removeUnused(id: Digest, o: { named?: boolean } = {}): Removal[] {
    return this.#db.removal((sql) => removeUnusedImage(sql, this.layout.root, id, { ...o, labelsOf: this.#labelsOf }));
  }

  /** Nothing of an image whose configuration is lost: it can be removed all the same. */
  readonly #labelsOf: LabelsOf = (id) => {
    try {
      return parseImageConfig(this.content.read(id)).config?.Labels ?? {};
    } catch {
      return {};
    }
  };

  /** The committed snapshot with an image's files, unpacked when it is not there yet. */
  snapshot(image: Image, lease: Lease, o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal } = {}): Promise<number> {
    return this.layers.unpack(image.layers, lease, o);
  }
}

/** The images that may have one of these names; undefined when all have to be looked at. What is named alone costs no more among many. */
function idsOf(sql: Sql, references: readonly string[] = []): string[] | undefined {
  const repositories = references.map(literalRepository);
  if (repositories.length === 0 || repositories.includes(undefined)) return undefined;
  // a tag follows, and ';' is what comes behind ':'
  return repositories.flatMap((name) =>
    sql.all<Named>('SELECT image_id, name FROM image_names WHERE name >= ? AND name < ?', `${name}:`, `${name};`).map((r) => r.image_id),
  );
}

function grouped<R extends { image_id: string }>(rows: readonly R[], value: (r: R) => string): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const r of rows) {
    const list = out.get(r.image_id);
    if (list) list.push(value(r));
    else out.set(r.image_id, [value(r)]);
  }
  return out;
}

function summary(r: ImageRow, names: readonly string[], digests: readonly string[]): ImageSummary {
  return { id: r.id, names, digests, ...(r.parent_id !== null && { parentId: r.parent_id }), size: r.size, createdAt: r.created_at };
}

/** Whether the bytes of a layer can be had: as a blob, or from the snapshot that it was made of. */
function hasLayer(sql: Sql, diffId: Digest): boolean {
  return (
    sql.get('SELECT 1 FROM layers l JOIN blobs b ON b.digest = l.blob_digest WHERE l.diff_id = ?', diffId) !== undefined ||
    sql.get("SELECT 1 FROM snapshots WHERE diff_id = ? AND state = 'committed'", diffId) !== undefined
  );
}
