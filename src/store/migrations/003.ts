// What is known of layers at registries: the blobs that they were compressed to, which need not be here any more, and the
// repositories that have a blob, so that it is not sent there again.
import type { Migration } from './migration.ts';

export const migration003: Migration = {
  version: 3,
  sql: `
-- form: the compression with its level, such as gzip:6.
CREATE TABLE layer_forms (
  diff_id TEXT NOT NULL,
  form TEXT NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (diff_id, form)
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_repositories (
  digest TEXT NOT NULL,
  repository TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (digest, repository)
) STRICT, WITHOUT ROWID;
`,
};
