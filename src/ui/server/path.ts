// The words of a path.
import { SlipwayError } from '../../model/index.ts';

/** @throws SlipwayError invalid-argument `ui.path` */
export function wordsOf(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'ui.path', `the path ${path} is not encoded as paths are`, { cause });
  }
}
