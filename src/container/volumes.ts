// Volumes: directories that outlive a container's own file system, and the table that knows them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { type Database, type Layout, recordEvent, type Sql } from '../store/index.ts';
import { removeTree } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import type { Container, ContainerRequest, MountPoint, VolumeRequest } from './types.ts';

/** What Docker accepts as a volume's name. */
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export interface Volume {
  readonly name: string;
  readonly mountpoint: string;
  readonly anonymous: boolean;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface Row {
  readonly name: string;
  readonly json: string;
  readonly created_at: number;
  readonly anonymous: number;
}

export class Volumes {
  readonly #layout: Layout;
  readonly #db: Database;

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#db = db;
  }

  list(): Volume[] {
    return this.#db.read((sql) => sql.all<Row>('SELECT * FROM volumes ORDER BY name')).map((r) => this.#volume(r));
  }

  /** Throws not-found 'volume.not-found'. */
  get(name: string): Volume {
    const row = this.#db.read((sql) => sql.get<Row>('SELECT * FROM volumes WHERE name = ?', name));
    if (row === undefined) throw notFound(name);
    return this.#volume(row);
  }

  /** Makes a volume, or returns the one of that name. Throws invalid-argument 'volume.invalid-name'. */
  create(name: string | undefined, now: number, labels: Readonly<Record<string, string>> = {}): Volume {
    const chosen = checked(name ?? randomId());
    this.#record(chosen, name === undefined, now, labels);
    this.ensureFolder(chosen);
    return this.get(chosen);
  }

  /** The row comes first: should we be killed in between, the folder is made when the volume is used. */
  ensureFolder(name: string): void {
    mkdirSync(this.#data(name), { recursive: true, mode: 0o755 });
  }

  /** Takes a volume away. Throws not-found 'volume.not-found', conflict 'volume.in-use' while a container has it. */
  remove(name: string): void {
    this.#db.removal((sql) => {
      const user = sql
        .all<{ json: string }>('SELECT json FROM containers')
        .map((r) => JSON.parse(r.json) as Container)
        .find((c) => c.mounts.some((m) => m.type === 'volume' && m.name === name));
      if (user !== undefined)
        throw new SlipwayError('conflict', 'volume.in-use', `remove ${name}: volume is in use - [${user.id}]`, {
          hints: [`\`slipway rm ${user.name}\` first`],
        });
      if (!drop(sql, name)) throw notFound(name);
    });
    removeTree(join(this.#layout.volumes, name));
  }

  /** Removes unused volumes, the anonymous ones or all, of which `wanted` is true. Returns their names. */
  prune(o: { all?: boolean; wanted?: (v: Volume) => boolean } = {}): string[] {
    const removed = this.#db.removal((sql) => {
      const used = new Set(usedVolumes(sql));
      const names = sql
        .all<Row>('SELECT * FROM volumes')
        .filter((r) => !used.has(r.name) && (o.all === true || r.anonymous === 1) && (o.wanted?.(this.#volume(r)) ?? true))
        .map((r) => r.name);
      for (const name of names) drop(sql, name);
      return names;
    });
    for (const name of removed) removeTree(join(this.#layout.volumes, name));
    return removed;
  }

  /** Removes the anonymous volumes of a container that is going, unless another one has them too. */
  dropAnonymous(c: Container): void {
    const own = c.mounts.filter((m) => m.anonymous === true).map((m) => m.name!);
    if (own.length === 0) return;
    const removed = this.#db.removal((sql) => {
      const used = new Set(usedVolumes(sql, c.id));
      return own.filter((name) => !used.has(name) && drop(sql, name));
    });
    for (const name of removed) removeTree(join(this.#layout.volumes, name));
  }

  /**
   * What is mounted where: the request's volumes, then what is `borrowed` from other containers, and those of the image, at places that
   * are not taken. `record` writes the
   * new volumes down; it belongs into the transaction that records the container.
   */
  plan(
    request: ContainerRequest,
    imageVolumes: readonly string[],
    now: number,
    borrowed: readonly MountPoint[] = [],
  ): { mounts: MountPoint[]; record: () => void } {
    const wanted = new Map<string, { anonymous: boolean; labels: Readonly<Record<string, string>> | undefined }>();
    const volume = (destination: string, v: Partial<VolumeRequest> = {}): MountPoint => {
      const name = checked(v.source ?? randomId());
      wanted.set(name, { anonymous: v.source === undefined, labels: v.labels });
      return {
        type: 'volume',
        name,
        source: this.#data(name),
        destination,
        readonly: v.readonly ?? false,
        ...(v.source === undefined && { anonymous: true }),
        ...(v.noCopy && { noCopy: true }),
      };
    };
    const mounts: MountPoint[] = request.volumes.map((v) =>
      v.source?.startsWith('/') === true
        ? {
            type: 'bind',
            source: v.source,
            destination: v.destination,
            readonly: v.readonly,
            ...(v.propagation !== undefined && { propagation: v.propagation }),
            ...(v.mustExist && { mustExist: true }),
            ...(v.recursion && { recursion: v.recursion }),
          }
        : volume(v.destination, v),
    );
    for (const t of request.tmpfs) {
      const [destination = '', ...rest] = t.split(':');
      const options = rest.join(':').split(',').filter(Boolean);
      mounts.push({ type: 'tmpfs', source: '', destination, readonly: options.includes('ro'), options });
    }
    const taken = new Set(mounts.map((m) => trimmed(m.destination)));
    for (const m of borrowed) {
      if (taken.has(trimmed(m.destination))) continue;
      taken.add(trimmed(m.destination));
      mounts.push(m);
    }
    for (const destination of imageVolumes) if (!taken.has(trimmed(destination))) mounts.push(volume(destination));
    return { mounts, record: () => wanted.forEach((v, name) => this.#record(name, v.anonymous, now, v.labels)) };
  }

  #record(name: string, anonymous: boolean, now: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#db.transaction((sql) => {
      const made = sql.run(
        'INSERT INTO volumes (name, json, created_at, anonymous) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
        name,
        JSON.stringify({ labels }),
        now,
        anonymous ? 1 : 0,
      );
      if (made.changes > 0) report(sql, 'create', name);
    });
  }

  #data(name: string): string {
    return join(this.#layout.volumes, name, '_data');
  }

  #volume(row: Row): Volume {
    const { labels } = JSON.parse(row.json) as { labels: Record<string, string> };
    return { name: row.name, mountpoint: this.#data(row.name), anonymous: row.anonymous === 1, createdAt: row.created_at, labels };
  }
}

/** The volumes and folders of a container, for another one; `mode` is `ro`, `rw` or as they are. @throws SlipwayError `container.invalid-request` */
export function lentMounts(c: Container, mode: string): MountPoint[] {
  const options = mode.split(',').filter(Boolean);
  if (options.some((one) => !['ro', 'rw', 'z', 'Z', 'nocopy'].includes(one)))
    throw new SlipwayError('invalid-argument', 'container.invalid-request', `invalid mode: ${mode}`, { exitCode: 125 });
  return c.mounts
    .filter((m) => m.type !== 'tmpfs')
    .map(({ anonymous: _, ...m }) => ({ ...m, readonly: m.readonly || options.includes('ro') }));
}

const report = (sql: Sql, action: 'create' | 'destroy', name: string): void =>
  recordEvent(sql, { type: 'volume', action, actor: name, attributes: { driver: 'local' } });

/** False when there is none of that name. */
function drop(sql: Sql, name: string): boolean {
  const removed = sql.run('DELETE FROM volumes WHERE name = ?', name).changes > 0;
  if (removed) report(sql, 'destroy', name);
  return removed;
}

function checked(name: string): string {
  if (VOLUME_NAME.test(name)) return name;
  if (/^[a-zA-Z0-9]$/.test(name))
    throw new SlipwayError(
      'invalid-argument',
      'volume.invalid-name',
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  throw new SlipwayError(
    'invalid-argument',
    'volume.invalid-name',
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function usedVolumes(sql: Sql, except?: string): string[] {
  const rows = sql.all<{ id: string; json: string }>('SELECT id, json FROM containers');
  return rows.filter((r) => r.id !== except).flatMap((r) => (JSON.parse(r.json) as Container).mounts.flatMap((m) => m.name ?? []));
}

function notFound(name: string): SlipwayError {
  return new SlipwayError('not-found', 'volume.not-found', `get ${name}: no such volume`, {
    hints: ['`slipway volume ls` lists all volumes'],
  });
}
