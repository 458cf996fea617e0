// Where results are kept: in the store's database, and in memory for tests. One suite tests both.
import type { Database } from '../store/index.ts';
import { crashPoint } from '../util/index.ts';
import type { CachedResult, CacheStore, Imports, Keyed } from './types.ts';

export class MemoryCache implements CacheStore {
  readonly #results = new Map<string, CachedResult>();
  readonly #names = new Map<string, string>();
  readonly #aliases = new Map<string, Keyed>();

  get(key: string): CachedResult | undefined {
    return this.#results.get(key);
  }

  put(key: string, result: CachedResult, description: string): void {
    this.#results.set(key, result);
    this.#names.set(key, description);
  }

  /** Drops results by the names of their vertices. */
  forget(which: (name: string) => boolean): void {
    for (const [key, name] of this.#names) if (which(name)) this.#results.delete(key);
  }

  alias(key: string): Keyed | undefined {
    return this.#aliases.get(key);
  }

  putAlias(key: string, target: Keyed): void {
    this.#aliases.set(key, target);
  }
}

/** The cache of this machine, and behind it what was imported. */
export class ImportingCache implements CacheStore {
  readonly #local: CacheStore;
  readonly #imports: Imports;

  constructor(local: CacheStore, imports: Imports) {
    this.#local = local;
    this.#imports = imports;
  }

  get(key: string): CachedResult | undefined {
    return this.#local.get(key);
  }

  put(key: string, result: CachedResult, description: string): void {
    this.#local.put(key, result, description);
  }

  alias(key: string): Keyed | undefined {
    return this.#local.alias(key) ?? this.#imports.alias(key);
  }

  putAlias(key: string, target: Keyed): void {
    this.#local.putAlias(key, target);
  }

  elsewhere(key: string): boolean {
    return this.#imports.has(key);
  }

  async fetch(key: string, signal: AbortSignal): Promise<void> {
    const brought = await this.#imports.bring(key, signal);
    if (brought) this.#local.put(key, brought.result, brought.description);
  }
}

interface Row {
  readonly result_json: string;
  readonly snapshot_id: number | null;
}

/** An alias is a record without a snapshot whose text is what it leads to: a key and `PART` or `PART@SEEN`, which have no spaces. */
const ALIAS = 'alias ';
/** The key in it, as SQL finds it. */
const ALIAS_TARGET = 'substr(result_json, 7, 64)';

function parseAlias(json: string): Keyed {
  const [key = '', ...words] = json.slice(ALIAS.length).split(' ');
  const split = words.map((word) => word.split('@', 2));
  return { key, parts: split.map(([part = '']) => part), seen: split.map(([, seen = '']) => seen) };
}

const formatAlias = ({ key, parts, seen }: Keyed): string =>
  ALIAS + [key, ...parts.map((part, i) => (seen?.[i] ? `${part}@${seen[i]}` : part))].join(' ');

/** Uses within this time of each other count as one, in ms: most builds follow each other closely. */
const USED_PRECISION = 60_000;

export class DatabaseCache implements CacheStore {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #project: string | null;

  /** @param project what brings the results that are put: kept with them, for lists */
  constructor(db: Database, now: () => number, project?: string) {
    this.#db = db;
    this.#now = now;
    this.#project = project ?? null;
  }

  get(key: string): CachedResult | undefined {
    const row = this.#row(key);
    return row && { snapshotId: row.snapshot_id, json: row.result_json };
  }

  put(key: string, result: CachedResult, description: string): void {
    const now = this.#now();
    this.#db.transaction((sql) =>
      sql.run(
        `INSERT INTO cache_records (key, result_json, snapshot_id, description, created_at, used_at, project) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET result_json = excluded.result_json, snapshot_id = excluded.snapshot_id, created_at = excluded.created_at, used_at = excluded.used_at,
           project = excluded.project, size = NULL`,
        key,
        result.json,
        result.snapshotId,
        description,
        now,
        now,
        this.#project,
      ),
    );
    crashPoint('cache.recorded');
  }

  alias(key: string): Keyed | undefined {
    const json = this.#row(key)?.result_json;
    return json?.startsWith(ALIAS) ? parseAlias(json) : undefined;
  }

  /** The cheaper keys that lead to one of `keys`. */
  aliasesTo(keys: readonly string[]): Record<string, Keyed> {
    const rows = this.#db.read((sql) =>
      sql.all<{ key: string; json: string }>(
        `SELECT key, result_json AS json FROM cache_records WHERE result_json LIKE 'alias %' AND ${ALIAS_TARGET} IN (SELECT value FROM json_each(?))`,
        JSON.stringify(keys),
      ),
    );
    // which results they were is of no use on another machine
    const alias = (json: string): Keyed => {
      const { key, parts } = parseAlias(json);
      return { key, parts };
    };
    return Object.fromEntries(rows.map(({ key, json }) => [key, alias(json)]));
  }

  /** Drops aliases whose results are gone. */
  dropLooseAliases(): void {
    this.#db.transaction((sql) =>
      sql.run(`DELETE FROM cache_records WHERE result_json LIKE 'alias %' AND ${ALIAS_TARGET} NOT IN (SELECT key FROM cache_records)`),
    );
  }

  putAlias(key: string, target: Keyed): void {
    this.put(key, { snapshotId: null, json: formatAlias(target) }, '');
  }

  /** Says that results were used just now: what was not for long goes first when room is needed. */
  used(keys: readonly string[]): void {
    const now = this.#now();
    this.#db.transaction((sql) =>
      sql.run(
        'UPDATE cache_records SET used_at = ?, uses = uses + 1 WHERE key IN (SELECT value FROM json_each(?)) AND used_at < ?',
        now,
        JSON.stringify(keys),
        now - USED_PRECISION,
      ),
    );
  }

  #row(key: string): Row | undefined {
    return this.#db.read((sql) => sql.get<Row>('SELECT result_json, snapshot_id FROM cache_records WHERE key = ?', key));
  }
}
