// What is attached where, on this boot: a file per attachment in the run folder, since all of it dies with the machine.
// Addresses are leased in the database as well, so that two processes never choose the same. Callers hold the lock.
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, type Layout, recordEvent, type Sql } from '../store/index.ts';
import { processAlive, writeFileAtomic } from '../sys/index.ts';
import type { NetworkInfo, PortMapping } from './types.ts';

export interface AttachmentRecord {
  /** Of the container or build network; of a further network of a container, one of its own. */
  readonly id: string;
  /** The container, where `id` is another. */
  readonly container?: string;
  /** In the namespace: `eth0` when left out. */
  readonly interface?: string;
  /** Made of the address when left out. */
  readonly mac?: string;
  readonly name: string;
  readonly network: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly ip: string;
  readonly ports: readonly PortMapping[];
  /** Identity of the process that attached it; while it lives, so does the attachment. */
  readonly by: string;
  /** Whether it ends with that process. */
  readonly bound: boolean;
  readonly dns: boolean;
}

export class AttachmentRecords {
  readonly #folder: string;
  readonly #db: Database;

  constructor(layout: Layout, db: Database) {
    this.#folder = join(layout.network, 'attachments');
    this.#db = db;
  }

  list(): AttachmentRecord[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names.filter((name) => name.endsWith('.json')).flatMap((name) => this.get(name.slice(0, -'.json'.length)) ?? []);
  }

  /** All of one container, in the order of their interfaces. */
  of(container: string): AttachmentRecord[] {
    const order = (record: AttachmentRecord): number => Number(interfaceOf(record).slice('eth'.length));
    return this.list()
      .filter((record) => containerOf(record) === container)
      .sort((a, b) => order(a) - order(b));
  }

  get(id: string): AttachmentRecord | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#folder, `${id}.json`), 'utf8')) as AttachmentRecord;
    } catch {
      return undefined;
    }
  }

  put(record: AttachmentRecord): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(join(this.#folder, `${record.id}.json`), JSON.stringify(record), { mode: 0o600 });
  }

  /** `network` is left out when it does not exist any more. */
  delete(record: AttachmentRecord, network: NetworkInfo | undefined): void {
    rmSync(join(this.#folder, `${record.id}.json`), { force: true });
    this.#db.removal((sql) => {
      const { changes } = sql.run('DELETE FROM network_leases WHERE container = ?', record.id);
      if (changes > 0 && network !== undefined) report(sql, record, network, 'disconnect');
    });
  }

  noteConnected(record: AttachmentRecord, network: NetworkInfo): void {
    this.#db.removal((sql) => report(sql, record, network, 'connect'));
  }

  /** Leases an address for `id`: the one that `choose` picks, given those in use. Leases without a record are void: their machine or process died. */
  lease(id: string, network: string, choose: (used: ReadonlySet<string>) => string): string {
    const recorded = new Set(this.list().map((record) => record.id));
    return this.#db.removal((sql) => {
      const rows = sql.all<{ ip: string; container: string }>('SELECT ip, container FROM network_leases WHERE network = ?', network);
      const used = new Set<string>();
      for (const row of rows) {
        if (recorded.has(row.container)) used.add(row.ip);
        else sql.run('DELETE FROM network_leases WHERE ip = ?', row.ip);
      }
      const ip = choose(used);
      sql.run('INSERT INTO network_leases (ip, network, container) VALUES (?, ?, ?)', ip, network, id);
      return ip;
    });
  }
}

export const containerOf = (record: AttachmentRecord): string => record.container ?? record.id;
export const interfaceOf = (record: AttachmentRecord): string => record.interface ?? 'eth0';

/** What builds use is not reported. */
function report(sql: Sql, record: AttachmentRecord, network: NetworkInfo, action: 'connect' | 'disconnect'): void {
  const attributes = { container: containerOf(record), name: network.name, type: network.driver };
  if (!record.bound) recordEvent(sql, { type: 'network', action, actor: network.id, attributes });
}

/** Whether a container lives, and is in that network. */
export type IsAttached = (container: string, network: string) => boolean;

/** Whether the attachment is still somebody's; `isAlive` tells it of containers. */
export function isInUse(record: AttachmentRecord, isAlive: IsAttached): boolean {
  return processAlive(record.by) || (!record.bound && isAlive(containerOf(record), record.network));
}
