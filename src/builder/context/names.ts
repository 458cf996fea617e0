// Names of contexts: those of images, so that `busybox` and `docker.io/library/busybox:latest` are one. Pure.
import { familiarReference, isSlipwayError, parseReference, SlipwayError } from '../../model/index.ts';

/** The key of a name in a Dockerfile: the short name of an image, without `latest`. */
export function contextKey(name: string): string {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, '');
  } catch {
    return name;
  }
}

/** The key of a name of `--build-context`. @throws SlipwayError invalid-argument `context.name` */
export function contextNameKey(name: string): string {
  try {
    parseReference(name);
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw new SlipwayError('invalid-argument', 'context.name', `invalid context name ${name}: ${e.message}`, { cause: e });
  }
  return contextKey(name);
}
