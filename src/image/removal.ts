// Removing images and names. What is used, by containers or by commands that run, is found out in the transaction that removes.
import { isImageLeased } from '../content/index.ts';
import { type Digest, familiarReference, familiarWord, parseReference, shortDigest, SlipwayError } from '../model/index.ts';
import type { Sql } from '../store/index.ts';
import { crashPoint } from '../util/index.ts';
import { idOf, nameIn } from './names.ts';
import { layersOf, releasedLayers } from './released.ts';
import { type LabelsOf, reportImage } from './reports.ts';
import type { ImageUser, Removal } from './types.ts';

/** As `ImageStore.remove`; `root` is that of the store. */
export function removeImage(sql: Sql, root: string, ref: string, o: { force?: boolean; prune?: boolean; labelsOf: LabelsOf }): Removal[] {
  const id = idOf(sql, ref);
  if (id === undefined) throw notFound(ref);
  const names = sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ?', id).map((r) => r.name);
  const asName = nameIn(names, ref);
  const users = usersOf(sql, id);
  const done: Removal[] = [];
  const untag = (name: string): void => {
    sql.run('DELETE FROM image_names WHERE name = ?', name);
    reportImage(sql, 'untag', id, { labels: o.labelsOf(id) });
    done.push({ kind: 'untagged', name: familiarReference(parseReference(name)) });
  };
  if (asName !== undefined && names.length > 1) {
    untag(asName);
    return done;
  }
  if (asName !== undefined) {
    const user = users[0];
    if (user && !o.force) {
      throw conflict(
        'image.in-use',
        `conflict: unable to remove repository reference "${ref}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortDigest(id)}`,
      );
    }
    // a container keeps what it needs through its snapshot; the image itself stays without a name
    untag(asName);
    if (user || childrenIn(sql, id) > 0 || isImageLeased(sql, root, id)) return done;
  } else {
    checkRemovable(sql, root, id, names, users, o.force === true);
    for (const name of names) untag(name);
  }
  deleteImage(sql, root, id, o.prune !== false, done);
  crashPoint('image.removal-before-commit');
  return done;
}

/** As `ImageStore.removeUnused`. */
export function removeUnusedImage(sql: Sql, root: string, id: Digest, o: { named?: boolean; labelsOf: LabelsOf }): Removal[] {
  const names = sql.all<{ name: string }>('SELECT name FROM image_names WHERE image_id = ?', id).map((r) => r.name);
  if ((names.length > 0 && !o.named) || !isUnused(sql, root, id)) return [];
  const done = names.map((name): Removal => ({ kind: 'untagged', name: familiarReference(parseReference(name)) }));
  sql.run('DELETE FROM image_names WHERE image_id = ?', id);
  for (const _ of names) reportImage(sql, 'untag', id, { labels: o.labelsOf(id) });
  deleteImage(sql, root, id, true, done);
  crashPoint('image.removal-before-commit');
  return done;
}

function isUnused(sql: Sql, root: string, id: Digest): boolean {
  if (sql.get('SELECT 1 FROM images WHERE id = ?', id) === undefined) return false;
  return childrenIn(sql, id) === 0 && usersOf(sql, id).length === 0 && !isImageLeased(sql, root, id);
}

function childrenIn(sql: Sql, id: Digest): number {
  return sql.get<{ n: number }>('SELECT count(*) AS n FROM images WHERE parent_id = ?', id)?.n ?? 0;
}

function checkRemovable(sql: Sql, root: string, id: Digest, names: readonly string[], users: readonly ImageUser[], force: boolean): void {
  const short = shortDigest(id);
  const running = users.find((u) => u.running);
  if (running)
    throw conflict(
      'image.in-use',
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`,
    );
  if (childrenIn(sql, id) > 0)
    throw conflict('image.has-children', `conflict: unable to delete ${short} (cannot be forced) - image has dependent child images`);
  if (isImageLeased(sql, root, id))
    throw conflict(
      'image.in-use',
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by a command that is running`,
    );
  if (names.length > 1 && !force)
    throw conflict(
      'image.several-names',
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
  if (users[0] && !force)
    throw conflict(
      'image.in-use',
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${users[0].id.slice(0, 12)}`,
    );
}

function deleteImage(sql: Sql, root: string, id: Digest, prune: boolean, done: Removal[]): void {
  const parent = sql.get<{ parent_id: Digest | null }>('SELECT parent_id FROM images WHERE id = ?', id)?.parent_id ?? null;
  const layers = layersOf(sql, id);
  sql.run('DELETE FROM image_digests WHERE image_id = ?', id);
  sql.run('DELETE FROM image_layers WHERE image_id = ?', id);
  sql.run('DELETE FROM images WHERE id = ?', id);
  reportImage(sql, 'delete', id);
  done.push({ kind: 'deleted', id }, ...releasedLayers(sql, layers).map((layer): Removal => ({ kind: 'deleted', id: layer })));
  if (!prune || parent === null) return;
  const named = sql.get('SELECT 1 FROM image_names WHERE image_id = ?', parent) !== undefined;
  if (!named && isUnused(sql, root, parent)) deleteImage(sql, root, parent, prune, done);
}

/** The containers of an image, running ones first. */
function usersOf(sql: Sql, id: Digest): ImageUser[] {
  return sql
    .all<{ id: string; state: string }>("SELECT id, state FROM containers WHERE json_extract(json, '$.imageId') = ?", id)
    .map((c) => ({ id: c.id, running: !['created', 'exited', 'dead', 'removing'].includes(c.state) }))
    .sort((a, b) => Number(b.running) - Number(a.running));
}

export const notFound = (ref: string): SlipwayError =>
  new SlipwayError('not-found', 'image.not-found', `No such image: ${familiarWord(ref)}`, { hints: ['slipway images lists what is here'] });

const conflict = (code: string, message: string): SlipwayError => new SlipwayError('conflict', code, message);
