// What is reported of images, for `events`, in Docker's words. Parts of the caller's transaction.
import { type Digest, familiarReference, parseReference, withDefaultTag } from '../model/index.ts';
import { recordEvent, type Sql } from '../store/index.ts';
import type { NewImage } from './types.ts';

export type ImageAction = 'create' | 'delete' | 'import' | 'load' | 'pull' | 'push' | 'save' | 'tag' | 'untag';

/** The labels of an image in the store. */
export type LabelsOf = (id: Digest) => Readonly<Record<string, string>>;

type Labels = Readonly<Record<string, string>> | null | undefined;

/** `actor` and `name` are the image's ID when left out. */
export function reportImage(
  sql: Sql,
  action: ImageAction,
  id: Digest,
  o: { readonly actor?: string; readonly name?: string; readonly labels?: Labels } = {},
): void {
  recordEvent(sql, { type: 'image', action, actor: o.actor ?? id, attributes: { ...o.labels, name: o.name ?? id } });
}

/** Reports that an image got a name. */
export function reportTag(sql: Sql, id: Digest, name: string, labels: Labels): void {
  reportImage(sql, 'tag', id, { name: familiarReference(withDefaultTag(parseReference(name))), labels });
}

/** Reports how an image came: the names of one that was pulled or loaded go without saying. `isNew`: it was not in the store before. */
export function reportArrival(sql: Sql, id: Digest, image: NewImage, o: { readonly isNew: boolean; readonly labels: Labels }): void {
  const { origin, names = [] } = image;
  if (origin === undefined && o.isNew) reportImage(sql, 'create', id, { labels: o.labels });
  if (origin === undefined || origin.action === 'import')
    for (const name of names) if (!name.includes('@')) reportTag(sql, id, name, o.labels);
  if (origin !== undefined) reportImage(sql, origin.action, id, { ...origin, labels: o.labels });
}
