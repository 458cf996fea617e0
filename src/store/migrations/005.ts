// Which snapshots survive a power cut: those that were synced since they were committed. Leases are owned by locked files now; the
// processes that held older ones have ended.
import type { Migration } from './migration.ts';

export const migration005: Migration = {
  version: 5,
  sql: `
ALTER TABLE snapshots ADD COLUMN durable INTEGER NOT NULL DEFAULT 1;
CREATE INDEX snapshots_not_durable ON snapshots(id) WHERE durable = 0;
DELETE FROM leases;
`,
};
