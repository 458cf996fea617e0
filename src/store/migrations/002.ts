// The size of a layer as people compare it: the bytes of its files, where `size` is that of its tar.
import type { Migration } from './migration.ts';

export const migration002: Migration = {
  version: 2,
  sql: 'ALTER TABLE layers ADD COLUMN content_size INTEGER',
};
