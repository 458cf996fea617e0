// What has happened to containers, images, networks and volumes, so that `events` can report it; the oldest are dropped.
import type { Migration } from './migration.ts';

export const migration006: Migration = {
  version: 6,
  sql: `
-- at: microseconds since the epoch.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  action TEXT NOT NULL,
  actor TEXT NOT NULL,
  attributes TEXT NOT NULL
) STRICT;
`,
};
