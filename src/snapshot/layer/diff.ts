// The tar of what one overlay snapshot changed relative to those below: a walk over its upper directory, and no further.
import fs from 'node:fs';
import { nativePath } from '../../archive/index.ts';
import { sameAttributes } from './attributes-compare.ts';
import { type DiffResult, type EntrySink, LayerWriter, sortedNames, type WriterOptions } from './layer-writer.ts';
import { isOpaque, isWhiteout } from './overlay.ts';
import { joinRelative } from './paths.ts';

/** What a directory of the upper one has beside what is in it: it is nowhere but in the layer. */
export interface Graft {
  /** The path of the directory, which is empty in the upper one. */
  readonly at: string;
  /** Puts the entries, with paths from the root, in the order of their names. */
  readonly write: (to: EntrySink) => void;
}

export type DiffOptions = Pick<WriterOptions, 'latest' | 'onEntry'> & { readonly graft?: Graft };

/**
 * Writes the tar of `upper`, an overlay's upper directory.
 * @param lowers directories below it, topmost first; they decide which directories are mere copies and which opaque ones hide anything
 * @param sink gets the tar in chunks that are valid only during the call
 */
export function diffTar(upper: string, lowers: readonly string[], sink: (chunk: Buffer) => void, o: DiffOptions = {}): DiffResult {
  const writer = new LayerWriter(sink, o);
  walk(writer, upper, '', lowers, o.graft);
  return writer.finish();
}

function walk(writer: LayerWriter, upper: string, rel: string, lowers: readonly string[], graft: Graft | undefined): void {
  if (graft?.at === rel) return graft.write(writer);
  const path = rel === '' ? upper : `${upper}/${rel}`;
  for (const name of sortedNames(nativePath(path))) {
    const child = joinRelative(rel, name);
    const native = nativePath(`${path}/${name}`);
    const stats = fs.lstatSync(native);
    if (isWhiteout(stats)) writer.deletion(rel, name);
    else if (!stats.isDirectory()) writer.leaf(child, native, stats);
    else {
      const below = directoriesBelow(lowers, name);
      const opaque = isOpaque(native);
      // Overlayfs copies a directory up before it changes anything in it.
      const copy = below.length > 0 && !opaque && sameAttributes(native, stats, nativePath(below[0]!));
      writer.directory(child, native, stats, copy, () => {
        if (opaque && below.length > 0) writer.opaque(child);
        walk(writer, upper, child, opaque ? [] : below, graft);
      });
    }
  }
}

/** The lower directories that merge with an upper one of this name, topmost first. */
function directoriesBelow(lowers: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (const lower of lowers) {
    const path = `${lower}/${name}`;
    const stats = fs.lstatSync(nativePath(path), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isDirectory()) break;
    found.push(path);
    if (isOpaque(nativePath(path))) break;
  }
  return found;
}
