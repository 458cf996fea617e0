// Images by the words of clients, missed in the words of dockerd.
import type { Image } from '../../engine/index.ts';
import { familiarReference, parseReference, type Reference, SlipwayError, withDefaultTag } from '../../model/index.ts';
import type { Api } from '../api.ts';

/** @throws SlipwayError not-found `image.not-found`: clients pull an image whose name comes back with its tag */
export function imageOf({ engine }: Api, word: string): Image {
  const found = engine.images.find(word);
  if (found !== undefined) return found;
  const isId = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(word);
  const name = isId ? word : familiarReference(withDefaultTag(parseReference(word)));
  throw new SlipwayError('not-found', 'image.not-found', `No such image: ${name}`);
}

/** A name whose tag, or digest, comes by itself. @throws SlipwayError `reference.invalid` */
export function referenceOf(name: string, tag: string | undefined): Reference {
  const ref = parseReference(name);
  if (tag === undefined) return ref;
  return parseReference(tag.includes(':') ? `${name}@${tag}` : `${familiarReference({ domain: ref.domain, path: ref.path })}:${tag}`);
}
