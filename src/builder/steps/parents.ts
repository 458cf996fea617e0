// The directories that --parents brings along with what it copies.
import type { Found } from './sources.ts';
import { join } from './words.ts';

/** The directories between the pivot and a source, outermost first: where they are in the root and below the destination. */
export function parentsOf(found: Found): { readonly path: string; readonly to: string }[] {
  if (!found.keep) return [];
  const words = found.keep.to.split('/').slice(0, -1);
  return words.map((_, i) => {
    const to = words.slice(0, i + 1).join('/');
    return { path: join(found.keep!.pivot, to), to };
  });
}
