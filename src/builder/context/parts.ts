// The files that a Dockerfile includes: in the context that it lies in, or in its own folder where it lies elsewhere. The one resolver
// finds them, so that no path and no link leads out of there.
import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, posix, relative } from 'node:path';
import type { Part, PartReader } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { reasonOf, RootedTree } from '../../sys/index.ts';
import type { Located } from './locate.ts';

/** @param context its root @param at where the Dockerfile lies; in no folder of its own when left out */
export function partReader(context: string, at: Located | undefined): PartReader {
  let place: { readonly root: string; readonly folder: string } | undefined;
  return (path, from) => {
    place ??= placeOf(context, at);
    const { root, folder } = place;
    return readPart(root, folder, path, from);
  };
}

/** The root that parts are looked for in, and the folder of the Dockerfile in it. */
function placeOf(context: string, at: Located | undefined): { readonly root: string; readonly folder: string } {
  if (at === undefined) return { root: context, folder: '' };
  if (at.within !== undefined) return { root: at.within, folder: relative(at.within, dirname(at.path)) };
  const [root, folder] = [realpathSync(context), realpathSync(dirname(at.path))];
  const way = relative(root, folder);
  return isAbsolute(way) || way.split('/')[0] === '..' ? { root: folder, folder: '' } : { root, folder: way };
}

function readPart(root: string, folder: string, path: string, from: Part | undefined): Part {
  using tree = new RootedTree(root);
  // not joined: the resolver knows where `..` leads behind a link
  const asked = `${from === undefined ? folder : dirname(from.id)}/${path}`;
  try {
    const id = tree.locate(asked);
    const name = posix.relative(join('/', folder), join('/', id));
    return {
      name,
      id,
      text: tree
        .readFile(id)
        .toString()
        .replace(/^\ufeff/, ''),
    };
  } catch (e) {
    const reason = reasonOf(e, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOTREG', 'EFBIG');
    if (reason === undefined) throw e;
    throw new SlipwayError('not-found', 'dockerfile.include', `cannot include ${path}: ${reason}`, {
      cause: e,
      hints: ['parts are looked for beside the file that includes them, and in the build context or the folder of the Dockerfile alone'],
    });
  }
}
