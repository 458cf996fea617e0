// Volumes: directories that outlive a container's own file system, and the table that knows them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { type Database, type Layout, recordEvent, type Sql } from '../store/index.ts';
import { removeTree } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import type { Container, ContainerRequest, MountPoint, VolumeRequest } from './types.ts';
import { mountVolume, unmountVolume } from './volume-mounting.ts';
import { checkOptions, type VolumeOptions } from './volume-options.ts';

/** What Docker accepts as a volume's name. */
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export interface Volume {
  readonly name: string;
  readonly mountpoint: string;
  readonly anonymous: boolean;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  /** What is mounted as this volume; undefined for a folder of the store. */
  readonly options?: VolumeOptions;
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
    const row = this.#row(name);
    if (row === undefined) throw notFound(name);
    return this.#volume(row);
  }

  #row(name: string): Row | undefined {
    return this.#db.read((sql) => sql.get<Row>('SELECT * FROM volumes WHERE name = ?', name));
  }

  /** Makes a volume, or returns the one of that name. Throws invalid-argument 'volume.invalid-name'. */
  create(name: string | undefined, now: number, o: Pick<VolumeRequest, 'labels' | 'options'> = {}): Volume {
    const chosen = checked(name ?? randomId());
    if (o.options !== undefined) checkOptions(chosen, o.options);
    this.#record(chosen, name === undefined, now, o);
    this.ensureFolder(chosen);
    return this.get(chosen);
  }

  /** The row comes first: should we be killed in between, the folder is made when the volume is used. */
  ensureFolder(name: string): void {
    mkdirSync(this.#data(name), { recursive: true, mode: 0o755 });
  }

  /** Mounts what the volume of a container stands for, and returns its options. undefined of a volume that is a folder of the store. */
  async mount(c: Container, point: MountPoint): Promise<VolumeOptions | undefined> {
    const row = this.#row(point.name ?? '');
    const options = row && this.#volume(row).options;
    if (options === undefined) return undefined;
    this.ensureFolder(point.name!);
    const users = (): Container[] =>
      this.#db
        .read((sql) => sql.all<{ json: string }>('SELECT json FROM containers WHERE id <> ?', c.id))
        .map((r) => JSON.parse(r.json) as Container)
        .filter((other) => other.mounts.some((m) => m.type === 'volume' && m.name === point.name));
    await mountVolume(this.#layout, point, options, users);
    return options;
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
    this.#removeFiles(name);
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
    for (const name of removed) this.#removeFiles(name);
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
    for (const name of removed) this.#removeFiles(name);
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
    const wanted = new Map<string, { anonymous: boolean } & Pick<VolumeRequest, 'labels' | 'options'>>();
    const volume = (destination: string, v: Partial<VolumeRequest> = {}): MountPoint => {
      const name = checked(v.source ?? randomId());
      if (v.options !== undefined) checkOptions(name, v.options);
      wanted.set(name, {
        anonymous: v.source === undefined,
        ...(v.labels && { labels: v.labels }),
        ...(v.options && { options: v.options }),
      });
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
    return { mounts, record: () => wanted.forEach((v, name) => this.#record(name, v.anonymous, now, v)) };
  }

  #record(name: string, anonymous: boolean, now: number, { labels = {}, options = {} }: Pick<VolumeRequest, 'labels' | 'options'>): void {
    this.#db.transaction((sql) => {
      const made = sql.run(
        'INSERT INTO volumes (name, json, created_at, anonymous) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
        name,
        JSON.stringify({ labels, ...(Object.keys(options).length > 0 && { options }) }),
        now,
        anonymous ? 1 : 0,
      );
      if (made.changes > 0) report(sql, 'create', name);
    });
  }

  /** What this process has mounted there is not the volume's to remove. */
  #removeFiles(name: string): void {
    unmountVolume(this.#data(name));
    removeTree(join(this.#layout.volumes, name));
  }

  #data(name: string): string {
    return join(this.#layout.volumes, name, '_data');
  }

  #volume(row: Row): Volume {
    const { labels, options } = JSON.parse(row.json) as Pick<Volume, 'labels' | 'options'>;
    return {
      name: row.name,
      mountpoint: this.#data(row.name),
      anonymous: row.anonymous === 1,
      createdAt: row.created_at,
      labels,
      ...(options !== undefined && { options }),
    };
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
