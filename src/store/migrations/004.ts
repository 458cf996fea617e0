// What builds wrote, and the files that their steps read, so that it can be said later why a step ran.
import type { Migration } from './migration.ts';

export const migration004: Migration = {
  version: 4,
  sql: `
CREATE TABLE build_logs (ref TEXT PRIMARY KEY, log BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE content_lists (digest TEXT PRIMARY KEY, list BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE INDEX builds_started ON builds(started_at);
`,
};
