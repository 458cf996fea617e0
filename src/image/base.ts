// The image that a FROM names. This is the seam where a registry will be asked; until then the store is all there is, and
// nothing is ever put in an image's place in silence.
import { familiarReference, parseReference, SlipwayError, withDefaultTag } from '../model/index.ts';
import type { ImageStore } from './store.ts';
import type { Image } from './types.ts';

/** @throws SlipwayError `image.cannot-be-pulled`, which names the ways out. `canBootstrap` says for which names there is a recipe. */
export function resolveBase(store: ImageStore, ref: string, canBootstrap: (ref: string) => boolean): Image {
  const found = store.find(ref);
  if (found) return found;
  const name = familiarReference(withDefaultTag(parseReference(ref)));
  throw new SlipwayError(
    'not-found',
    'image.cannot-be-pulled',
    `${name}: not found: the image is not in the store, and no registry answers here`,
    {
      hints: [
        ...(canBootstrap(ref) ? [`make a stand-in from Debian packages: slipway bootstrap ${name}`] : []),
        'load it from an archive: slipway load -i FILE',
      ],
    },
  );
}
