// Which Dockerfile, of which folder or repository, brought what the build cache holds, so that `builder du` and `prune` can go by it.
import type { Migration } from './migration.ts';

export const migration007: Migration = {
  version: 7,
  sql: `
-- project: as builds are told apart (\`identity\` of their records); NULL for what is older, or came from another machine.
ALTER TABLE cache_records ADD COLUMN project TEXT;
ALTER TABLE cache_mounts ADD COLUMN project TEXT;
`,
};
