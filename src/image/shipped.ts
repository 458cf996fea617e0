// What is known of layers at registries: which blobs they were compressed to, and which repositories have a blob.
import type { Digest } from '../model/index.ts';
import type { Database } from '../store/index.ts';

/** A repository is not remembered for longer (ms): what is there may be deleted. */
const MEMORY = 30 * 86_400_000;

export class Shipped {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The blob that a layer was compressed to; it need not be here. @param form such as `gzip:6` */
  form(diffId: Digest, form: string): { digest: Digest; size: number } | undefined {
    return this.#db.read((sql) =>
      sql.get<{ digest: Digest; size: number }>('SELECT digest, size FROM layer_forms WHERE diff_id = ? AND form = ?', diffId, form),
    );
  }

  /** All blobs that a layer was compressed to by one kind of compression. */
  formsOf(diffId: Digest, kind: string): Digest[] {
    return this.#db
      .read((sql) => sql.all<{ digest: Digest }>("SELECT digest FROM layer_forms WHERE diff_id = ? AND form LIKE ? || ':%'", diffId, kind))
      .map((row) => row.digest);
  }

  rememberForm(diffId: Digest, form: string, blob: { digest: Digest; size: number }): void {
    this.#db.transaction((sql) =>
      sql.run('INSERT OR REPLACE INTO layer_forms (diff_id, form, digest, size) VALUES (?, ?, ?, ?)', diffId, form, blob.digest, blob.size),
    );
  }

  /** Repositories (`host/path`) that had a blob not long ago, the latest first. */
  placesOf(digest: Digest): string[] {
    return this.#db
      .read((sql) =>
        sql.all<{ repository: string }>(
          'SELECT repository FROM blob_repositories WHERE digest = ? AND seen_at > ? ORDER BY seen_at DESC',
          digest,
          Date.now() - MEMORY,
        ),
      )
      .map((row) => row.repository);
  }

  rememberAt(repository: string, digests: readonly Digest[]): void {
    this.#db.transaction((sql) => {
      for (const digest of digests)
        sql.run('INSERT OR REPLACE INTO blob_repositories (digest, repository, seen_at) VALUES (?, ?, ?)', digest, repository, Date.now());
    });
  }
}
