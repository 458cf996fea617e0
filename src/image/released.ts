// Which layers nothing has any more after an image was removed: what Docker tells of them, and what the collector will take.
import { REACHED_SNAPSHOTS } from '../content/index.ts';
import type { Digest } from '../model/index.ts';
import type { Sql } from '../store/index.ts';

/** The layers of an image by their chain IDs, the uppermost first. */
export function layersOf(sql: Sql, id: Digest): Digest[] {
  return sql
    .all<{ chain_id: Digest }>('SELECT chain_id FROM image_layers WHERE image_id = ? ORDER BY position DESC', id)
    .map((row) => row.chain_id);
}

/** Those of `layers` that no image, container, build cache or running command has. */
export function releasedLayers(sql: Sql, layers: readonly Digest[]): Digest[] {
  return sql
    .all<{ chain_id: Digest }>(
      `SELECT value AS chain_id FROM json_each(?)
       WHERE value NOT IN (SELECT chain_id FROM image_layers)
         AND value NOT IN (SELECT chain_id FROM snapshots WHERE chain_id IS NOT NULL AND id IN (${REACHED_SNAPSHOTS}))
       ORDER BY key`,
      JSON.stringify(layers),
    )
    .map((row) => row.chain_id);
}
