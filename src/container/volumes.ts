// Volumes: directories that outlive a container's own file system. A new volume mounted over a directory of the image
// begins with what the image has there, owner and mode included, as in Docker.
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { type Database, type Layout } from '../store/index.ts';
import { removeTree, resolveInside, run } from '../sys/index.ts';
import { randomId } from '../util/index.ts';
import type { ContainerRequest, MountPoint } from './types.ts';

/** What Docker accepts as a volume's name. */
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export interface Volume {
  readonly name: string;
  readonly mountpoint: string;
  readonly anonymous: boolean;
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

  get(name: string): Volume | undefined {
    const row = this.#db.read((sql) => sql.get<Row>('SELECT * FROM volumes WHERE name = ?', name));
    return row && this.#volume(row);
  }

  /** Makes a volume, or returns the one of that name. */
  create(name: string | undefined, now: number, labels: Readonly<Record<string, string>> = {}): Volume {
    const chosen = name ?? randomId();
    if (!VOLUME_NAME.test(chosen)) {
      throw new SlipwayError('invalid-argument', 'volume.invalid-name', `"${chosen}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`, {
        hints: ['a folder of this machine is given by its absolute path'],
      });
    }
    mkdirSync(this.#data(chosen), { recursive: true, mode: 0o755 });
    this.#db.transaction((sql) =>
      sql.run('INSERT INTO volumes (name, json, created_at, anonymous) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING', chosen, JSON.stringify({ labels }), now, name === undefined ? 1 : 0),
    );
    return this.get(chosen) as Volume;
  }

  /** Takes a volume away. @throws SlipwayError `volume.not-found`. Whether it is in use is for the caller to know. */
  remove(name: string): void {
    const gone = this.#db.transaction((sql) => sql.run('DELETE FROM volumes WHERE name = ?', name));
    if (gone.changes === 0) throw new SlipwayError('not-found', 'volume.not-found', `get ${name}: no such volume`, { hints: ['slipway volume ls lists all volumes'] });
    removeTree(join(this.#layout.volumes, name));
  }

  #data(name: string): string {
    return join(this.#layout.volumes, name, '_data');
  }

  #volume(row: Row): Volume {
    const { labels = {} } = JSON.parse(row.json) as { labels?: Record<string, string> };
    return { name: row.name, mountpoint: this.#data(row.name), anonymous: row.anonymous === 1, createdAt: row.created_at, labels };
  }
}

/** Decides what is mounted where: the request's volumes, then those of the image at places that are not taken yet. */
export function mountPoints(volumes: Volumes, request: ContainerRequest, imageVolumes: readonly string[], now: number): MountPoint[] {
  const points: MountPoint[] = [];
  for (const v of request.volumes) {
    if (v.source?.startsWith('/')) {
      // Docker makes a folder that is missing
      if (!existsSync(v.source)) mkdirSync(v.source, { recursive: true, mode: 0o755 });
      points.push({ type: 'bind', source: v.source, destination: v.destination, readonly: v.readonly });
    } else {
      const volume = volumes.create(v.source, now);
      points.push({ type: 'volume', name: volume.name, source: volume.mountpoint, destination: v.destination, readonly: v.readonly, anonymous: volume.anonymous });
    }
  }
  for (const t of request.tmpfs) {
    const at = t.indexOf(':');
    const options = at < 0 ? [] : t.slice(at + 1).split(',');
    points.push({ type: 'tmpfs', source: 'tmpfs', destination: at < 0 ? t : t.slice(0, at), readonly: options.includes('ro'), options });
  }
  const taken = new Set(points.map((p) => p.destination));
  for (const destination of imageVolumes) {
    if (taken.has(destination)) continue;
    const volume = volumes.create(undefined, now);
    points.push({ type: 'volume', name: volume.name, source: volume.mountpoint, destination, readonly: false, anonymous: true });
  }
  return points;
}

/** Fills a volume that is still empty with what the image has at its mount point. `rootfs` is mounted. */
export async function seedVolume(point: MountPoint, rootfs: string): Promise<void> {
  const from = resolveInside(rootfs, point.destination);
  if (readdirSync(point.source).length > 0) return;
  const there = lstatSync(from, { throwIfNoEntry: false });
  if (!there?.isDirectory()) return;
  if (readdirSync(from).length > 0) {
    const r = await run('cp', ['-a', '--', `${from}/.`, point.source]);
    if (r.exitCode !== 0) throw new SlipwayError('internal', 'volume.seed', `cannot fill volume ${point.name ?? ''}: ${r.stderr.trim()}`);
  }
  const { uid, gid, mode } = statSync(from);
  chownSync(point.source, uid, gid);
  chmodSync(point.source, mode & 0o7777);
}
