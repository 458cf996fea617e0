// Builds as the store keeps them. A build that was killed stays `running` in the store; whoever reads it sees that its process
// is gone.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { SlipwayError } from '../../model/index.ts';
import type { Database } from '../../store/index.ts';
import { processAlive } from '../../sys/index.ts';
import type { BuildRecord } from './types.ts';

/** Builds kept, and lists of files that steps read. */
const KEPT_BUILDS = 100;
const SLACK = 20;
const KEPT_LISTS = 500;

export class BuildRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  begin(record: BuildRecord): void {
    this.#db.transaction((sql) =>
      sql.run(
        // a caller may use the name of an earlier build of its own again
        'INSERT OR REPLACE INTO builds (ref, name, json, started_at, status) VALUES (?, ?, ?, ?, ?)',
        record.ref,
        record.identity,
        JSON.stringify(record),
        record.startedAt,
        record.status,
      ),
    );
  }

  /** Completes a record, with what the steps wrote; the oldest ones beyond what is kept are forgotten. */
  finish(record: BuildRecord, log: string, lists: ReadonlyMap<string, Buffer>): void {
    this.#db.transaction((sql) => {
      sql.run(
        'INSERT OR REPLACE INTO builds (ref, name, json, started_at, finished_at, status) VALUES (?, ?, ?, ?, ?, ?)',
        record.ref,
        record.identity,
        JSON.stringify(record),
        record.startedAt,
        record.finishedAt ?? null,
        record.status,
      );
      if (log !== '') sql.run('INSERT OR REPLACE INTO build_logs (ref, log) VALUES (?, ?)', record.ref, zstdCompressSync(log));
      for (const [digest, list] of lists) {
        sql.run('INSERT OR IGNORE INTO content_lists (digest, list, created_at) VALUES (?, ?, ?)', digest, list, record.startedAt);
      }
      // the times are an index: no record is read. What is over goes by the dozen, not in each build.
      const n = sql.get<{ n: number }>('SELECT count(started_at) AS n FROM builds INDEXED BY builds_started')?.n ?? 0;
      if (n > KEPT_BUILDS + SLACK) {
        sql.run(
          'DELETE FROM builds WHERE started_at < (SELECT started_at FROM builds ORDER BY started_at DESC LIMIT 1 OFFSET ?)',
          KEPT_BUILDS - 1,
        );
        sql.run('DELETE FROM build_logs WHERE ref NOT IN (SELECT ref FROM builds)');
      }
      if (lists.size > 0) {
        sql.run(
          'DELETE FROM content_lists WHERE digest NOT IN (SELECT digest FROM content_lists ORDER BY created_at DESC LIMIT ?)',
          KEPT_LISTS,
        );
      }
    });
  }

  /** The newest first. */
  all(o: { identity?: string; limit?: number } = {}): BuildRecord[] {
    const rows = this.#db.read((sql) =>
      sql.all<{ json: string }>(
        'SELECT json FROM builds WHERE ? IS NULL OR name = ? ORDER BY started_at DESC LIMIT ?',
        o.identity ?? null,
        o.identity ?? null,
        o.limit ?? -1,
      ),
    );
    return rows.map((r) => truthful(JSON.parse(r.json) as BuildRecord));
  }

  /** By ref, the beginning of one, or `^N`: the Nth before the newest. @throws SlipwayError `build.no-record`. */
  find(text: string): BuildRecord {
    const nth = /^\^(\d+)$/.exec(text);
    const all = this.all();
    const found = nth ? all.slice(Number(nth[1]), Number(nth[1]) + 1) : all.filter((r) => r.ref.startsWith(text.split('/').at(-1) ?? ''));
    if (text !== '' && found.length === 1 && found[0]) return found[0];
    throw new SlipwayError(
      'not-found',
      'build.no-record',
      found.length > 1 ? `several builds begin with ${text}` : `no record found for build ${JSON.stringify(text)}`,
      { hints: ['slipway builder history lists builds; ^0 is the newest, ^1 the one before'] },
    );
  }

  isRunning(ref: string): boolean {
    const row = this.#db.read((sql) => sql.get<{ json: string }>("SELECT json FROM builds WHERE ref = ? AND status = 'running'", ref));
    return row !== undefined && truthful(JSON.parse(row.json) as BuildRecord).status === 'running';
  }

  log(ref: string): string {
    const row = this.#db.read((sql) => sql.get<{ log: Uint8Array }>('SELECT log FROM build_logs WHERE ref = ?', ref));
    return row ? zstdDecompressSync(row.log).toString('utf8') : '';
  }

  /** The list of files that a digest stands for, as `contentDigest` wrote it; undefined when it is not kept. */
  list(digest: string): Buffer | undefined {
    const row = this.#db.read((sql) => sql.get<{ list: Uint8Array }>('SELECT list FROM content_lists WHERE digest = ?', digest));
    return row && zstdDecompressSync(row.list);
  }

  has(digest: string): boolean {
    return this.#db.read((sql) => sql.get('SELECT 1 FROM content_lists WHERE digest = ?', digest)) !== undefined;
  }

  /** Those of `refs` that are there, or all that do not run. */
  remove(refs: readonly string[] | 'all'): string[] {
    const gone = this.all().filter((r) => (refs === 'all' ? r.status !== 'running' : refs.includes(r.ref)));
    this.#db.removal((sql) => {
      for (const { ref } of gone) {
        sql.run('DELETE FROM builds WHERE ref = ?', ref);
        sql.run('DELETE FROM build_logs WHERE ref = ?', ref);
      }
      if (refs === 'all') sql.run('DELETE FROM content_lists');
    });
    return gone.map((r) => r.ref);
  }
}

function truthful(record: BuildRecord): BuildRecord {
  if (record.status !== 'running' || (record.owner !== undefined && processAlive(record.owner))) return record;
  return { ...record, status: 'canceled', error: 'the process that built it was killed' };
}
