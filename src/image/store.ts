// Images: configurations, layers and names over content. An image's ID is the digest of its configuration. Lists cost a few
// queries and touch no file.
import { type ContentStore, isImageLeased, type Lease, Leases } from '../content/index.ts';
import {
  chainIds,
  type Digest,
  encodeJson,
  familiarReference,
  formatReference,
  type ImageConfig,
  parseImageConfig,
  parseReference,
  shortDigest,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout, Sql } from '../store/index.ts';
import { Layers } from './layers.ts';
import { Shipped } from './shipped.ts';
import type { Image, ImageLayer, ImageSummary, ImageUser, ListFilter, NewImage, Removal, UnpackProgress } from './types.ts';
import { crashPoint } from '../util/index.ts';
import { applyFilter } from './filter.ts';

interface ImageRow {
  readonly id: Digest;
  readonly manifest_digest: Digest | null;
  readonly manifest_media_type: string | null;
  readonly parent_id: Digest | null;
  readonly created_at: number;
  readonly size: number;
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
      const rows = sql.all<ImageRow>('SELECT * FROM images ORDER BY created_at DESC, stored_at DESC, id');
      const names = grouped(
        sql.all<{ image_id: string; name: string }>('SELECT image_id, name FROM image_names ORDER BY name'),
        (r) => r.name,
      );
      const digests = grouped(
        sql.all<{ image_id: string; name: string; digest: string }>(
          'SELECT image_id, name, digest FROM image_digests ORDER BY name, digest',
        ),
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
    const id = this.#db.read((sql) => this.#idOf(sql, ref));
    if (id === undefined) throw notFound(ref);
    return this.get(id);
  }

  /** As `resolve`, but undefined when there is none. */
  find(ref: string): Image | undefined {
    const id = this.#db.read((sql) => this.#idOf(sql, ref));
    return id === undefined ? undefined : this.get(id);
  }

  /** As `find`, and keeps the image with all that it is made of, at once. */
  hold(ref: string, lease: Lease): Image | undefined {
    const id = this.#db.transaction((sql) => {
      const found = this.#idOf(sql, ref);
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
      for (const name of image.names ?? []) this.#setName(sql, id, name, now);
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
      this.#setName(sql, id, name, Date.now());
    });
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
    return this.#db.transaction((sql) => {
      const id = this.#idOf(sql, ref);
      if (id === undefined) throw notFound(ref);
      const names = sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ?', id).map((r) => r.name);
      const asName = nameIn(names, ref);
      const users = usersOf(sql, id);
      const done: Removal[] = [];
      const untag = (name: string): void => {
        sql.run('DELETE FROM image_names WHERE name = ?', name);
        done.push({ kind: 'untagged', name: familiarReference(parseReference(name)) });
      };
      if (asName !== undefined && names.length > 1) {
        untag(asName);
        return done;
      }
      if (asName !== undefined) {
        const user = users[0];
        if (user && !o.force) {
          throw conflict(
            'image.in-use',
            `conflict: unable to remove repository reference "${ref}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortDigest(id)}`,
          );
        }
        // a container keeps what it needs through its snapshot; the image itself stays without a name
        untag(asName);
        if (user || this.#childrenIn(sql, id) > 0 || isImageLeased(sql, this.layout.root, id)) return done;
      } else {
        this.#checkRemovable(sql, id, names, users, o.force === true);
        for (const name of names) untag(name);
      }
      this.#deleteImage(sql, id, o.prune !== false, done);
      crashPoint('image.removal-before-commit');
      return done;
    });
  }

  /**
   * Removes an image that nobody uses at this moment, and the nameless ones that only it was built on: with `named`, whatever it is
   * called, else only when it has no name. Nothing is removed, and nothing thrown, when that is not so, or it is gone.
   */
  removeUnused(id: Digest, o: { named?: boolean } = {}): Removal[] {
    return this.#db.transaction((sql) => {
      const names = sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ?', id).map((r) => r.name);
      if ((names.length > 0 && !o.named) || !this.#isUnused(sql, id)) return [];
      const done = names.map((name): Removal => ({ kind: 'untagged', name: familiarReference(parseReference(name)) }));
      sql.run('DELETE FROM image_names WHERE image_id = ?', id);
      this.#deleteImage(sql, id, true, done);
      crashPoint('image.removal-before-commit');
      return done;
    });
  }

  #isUnused(sql: Sql, id: Digest): boolean {
    if (sql.get('SELECT 1 FROM images WHERE id = ?', id) === undefined) return false;
    return this.#childrenIn(sql, id) === 0 && usersOf(sql, id).length === 0 && !isImageLeased(sql, this.layout.root, id);
  }

  /** The committed snapshot with an image's files, unpacked when it is not there yet. */
  snapshot(image: Image, lease: Lease, o: { onProgress?: (p: UnpackProgress) => void; signal?: AbortSignal } = {}): Promise<number> {
    return this.layers.unpack(image.layers, lease, o);
  }

  #setName(sql: Sql, id: Digest, name: string, now: number): void {
    const reference = withDefaultTag(parseReference(name));
    if (reference.digest !== undefined) {
      sql.run(
        'INSERT OR REPLACE INTO image_digests (name, digest, image_id) VALUES (?, ?, ?)',
        `${reference.domain}/${reference.path}`,
        reference.digest,
        id,
      );
      return;
    }
    sql.run(
      'INSERT INTO image_names (name, image_id, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id, created_at = excluded.created_at',
      formatReference(reference),
      id,
      now,
    );
  }

  /** Names go before IDs, as in Docker: an image may be called `cafe`. */
  #idOf(sql: Sql, ref: string): Digest | undefined {
    const hex = ref.startsWith('sha256:') ? ref.slice(7) : ref;
    const isHex = /^[0-9a-f]+$/.test(hex);
    if (isHex && hex.length === 64) return sql.get<{ id: Digest }>('SELECT id FROM images WHERE id = ?', `sha256:${hex}`)?.id;
    const named = ref.startsWith('sha256:') ? undefined : byName(sql, ref);
    if (named !== undefined || !isHex) return named;
    const found = sql.all<{ id: Digest }>('SELECT id FROM images WHERE substr(id, 8, ?) = ? LIMIT 2', hex.length, hex);
    if (found.length > 1)
      throw new SlipwayError('invalid-argument', 'image.ambiguous', `image ID ${ref} is the beginning of several images' IDs`, {
        hints: ['give more digits'],
      });
    return found[0]?.id;
  }

  #childrenIn(sql: Sql, id: Digest): number {
    return sql.get<{ n: number }>('SELECT count(*) AS n FROM images WHERE parent_id = ?', id)?.n ?? 0;
  }

  #checkRemovable(sql: Sql, id: Digest, names: readonly string[], users: readonly ImageUser[], force: boolean): void {
    const short = shortDigest(id);
    const running = users.find((u) => u.running);
    if (running)
      throw conflict(
        'image.in-use',
        `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`,
      );
    if (this.#childrenIn(sql, id) > 0)
      throw conflict('image.has-children', `conflict: unable to delete ${short} (cannot be forced) - image has dependent child images`);
    if (isImageLeased(sql, this.layout.root, id))
      throw conflict(
        'image.in-use',
        `conflict: unable to delete ${short} (cannot be forced) - image is being used by a command that is running`,
      );
    if (users[0] && !force)
      throw conflict(
        'image.in-use',
        `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${users[0].id.slice(0, 12)}`,
      );
    if (names.length > 1 && !force)
      throw conflict(
        'image.several-names',
        `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
      );
  }

  #deleteImage(sql: Sql, id: Digest, prune: boolean, done: Removal[]): void {
    const parent = sql.get<{ parent_id: Digest | null }>('SELECT parent_id FROM images WHERE id = ?', id)?.parent_id ?? null;
    sql.run('DELETE FROM image_digests WHERE image_id = ?', id);
    sql.run('DELETE FROM image_layers WHERE image_id = ?', id);
    sql.run('DELETE FROM images WHERE id = ?', id);
    done.push({ kind: 'deleted', id });
    if (!prune || parent === null) return;
    const named = sql.get('SELECT 1 FROM image_names WHERE image_id = ?', parent) !== undefined;
    if (!named && this.#isUnused(sql, parent)) this.#deleteImage(sql, parent, prune, done);
  }
}

/** The image that a name stands for; undefined for what is no name at all. */
function byName(sql: Sql, ref: string): Digest | undefined {
  let reference;
  try {
    reference = parseReference(ref);
  } catch {
    return undefined;
  }
  if (reference.digest !== undefined) {
    const row = sql.get<{ image_id: Digest }>(
      'SELECT image_id FROM image_digests WHERE name = ? AND digest = ?',
      `${reference.domain}/${reference.path}`,
      reference.digest,
    );
    return (
      row?.image_id ??
      sql.get<{ id: Digest }>(
        'SELECT id FROM images WHERE id = ? AND id IN (SELECT image_id FROM image_names WHERE name LIKE ?)',
        reference.digest,
        `${reference.domain}/${reference.path}:%`,
      )?.id
    );
  }
  return sql.get<{ image_id: Digest }>('SELECT image_id FROM image_names WHERE name = ?', formatReference(withDefaultTag(reference)))
    ?.image_id;
}

/** Whether the bytes of a layer can be had: as a blob, or from the snapshot that it was made of. */
function hasLayer(sql: Sql, diffId: Digest): boolean {
  return (
    sql.get('SELECT 1 FROM layers l JOIN blobs b ON b.digest = l.blob_digest WHERE l.diff_id = ?', diffId) !== undefined ||
    sql.get("SELECT 1 FROM snapshots WHERE diff_id = ? AND state = 'committed'", diffId) !== undefined
  );
}

/** The containers of an image, running ones first. */
function usersOf(sql: Sql, id: Digest): ImageUser[] {
  return sql
    .all<{ id: string; state: string }>("SELECT id, state FROM containers WHERE json_extract(json, '$.imageId') = ?", id)
    .map((c) => ({ id: c.id, running: !['created', 'exited', 'dead', 'removing'].includes(c.state) }))
    .sort((a, b) => Number(b.running) - Number(a.running));
}

function nameIn(names: readonly string[], ref: string): string | undefined {
  try {
    const whole = formatReference(withDefaultTag(parseReference(ref)));
    return names.find((n) => n === whole);
  } catch {
    return undefined;
  }
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

const notFound = (ref: string): SlipwayError =>
  new SlipwayError('not-found', 'image.not-found', `No such image: ${ref}`, { hints: ['slipway images lists what is here'] });

const conflict = (code: string, message: string): SlipwayError => new SlipwayError('conflict', code, message);
