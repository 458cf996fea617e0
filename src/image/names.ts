// From what people call an image to its ID, and names onto images. Parts of the caller's transaction.
import { type Digest, formatReference, parseReference, repositoryName, SlipwayError, withDefaultTag } from '../model/index.ts';
import type { Sql } from '../store/index.ts';

export function setName(sql: Sql, id: Digest, name: string, now: number): void {
  const reference = withDefaultTag(parseReference(name));
  if (reference.digest !== undefined) {
    sql.run(
      'INSERT OR REPLACE INTO image_digests (name, digest, image_id) VALUES (?, ?, ?)',
      repositoryName(reference),
      reference.digest,
      id,
    );
    return;
  }
  sql.run(
    'INSERT INTO image_names (name, image_id, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id, created_at = excluded.created_at',
    formatReference(reference),
    id,
    now,
  );
}

/** Names go before IDs, as in Docker: an image may be called `cafe`. */
export function idOf(sql: Sql, ref: string): Digest | undefined {
  const hex = ref.startsWith('sha256:') ? ref.slice(7) : ref;
  const isHex = /^[0-9a-f]+$/.test(hex);
  if (isHex && hex.length === 64) return sql.get<{ id: Digest }>('SELECT id FROM images WHERE id = ?', `sha256:${hex}`)?.id;
  const named = ref.startsWith('sha256:') ? undefined : byName(sql, ref);
  if (named !== undefined || !isHex) return named;
  const found = sql.all<{ id: Digest }>('SELECT id FROM images WHERE substr(id, 8, ?) = ? LIMIT 2', hex.length, hex);
  if (found.length > 1)
    throw new SlipwayError('invalid-argument', 'image.ambiguous', `image ID ${ref} is the beginning of several images' IDs`, {
      hints: ['give more digits'],
    });
  return found[0]?.id;
}

/** The image that a name stands for; undefined for what is no name at all. */
function byName(sql: Sql, ref: string): Digest | undefined {
  let reference;
  try {
    reference = parseReference(ref);
  } catch {
    return undefined;
  }
  if (reference.digest !== undefined) {
    const row = sql.get<{ image_id: Digest }>(
      'SELECT image_id FROM image_digests WHERE name = ? AND digest = ?',
      repositoryName(reference),
      reference.digest,
    );
    return (
      row?.image_id ??
      sql.get<{ id: Digest }>(
        'SELECT id FROM images WHERE id = ? AND id IN (SELECT image_id FROM image_names WHERE name LIKE ?)',
        reference.digest,
        `${repositoryName(reference)}:%`,
      )?.id
    );
  }
  return sql.get<{ image_id: Digest }>('SELECT image_id FROM image_names WHERE name = ?', formatReference(withDefaultTag(reference)))
    ?.image_id;
}

/** Which of an image's names `ref` is. */
export function nameIn(names: readonly string[], ref: string): string | undefined {
  try {
    const whole = formatReference(withDefaultTag(parseReference(ref)));
    return names.find((n) => n === whole);
  } catch {
    return undefined;
  }
}
