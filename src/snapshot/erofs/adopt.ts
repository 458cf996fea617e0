// A layer whose tar is a file of the store already: it gets another name, and an index.
import { linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readTarIndex } from '../../archive/index.ts';
import { listNames } from '../../sys/index.ts';
import type { Applied } from '../layer/index.ts';
import { layerError } from '../layer/errors.ts';
import { writeIndex } from './index-writer.ts';
import type { PackedFiles } from './packed-layer.ts';
import { LayerTree, NeedsUnpacking } from './tree.ts';

/** Another file system, names enough, and a kernel that lets no one link what is not theirs. */
const CANNOT_LINK = new Set(['EXDEV', 'EMLINK', 'EPERM']);

/**
 * Undefined where the layer has to be unpacked, or its tar can have no other name.
 * @param lowers directories of the layers below, topmost first
 */
export function adoptTar(tar: string, files: PackedFiles, lowers: readonly string[]): Applied | undefined {
  const tree = new LayerTree(lowers);
  let path = '';
  try {
    for (const { entry, dataOffset } of readTarIndex(tar)) {
      path = entry.path;
      tree.add(entry, dataOffset);
    }
    linkSync(tar, files.tar);
    writeFileSync(files.index, writeIndex(tree.finish(listNames), statSync(tar).size), { mode: 0o600, flag: 'wx' });
    return { files: tree.files, size: tree.size };
  } catch (error) {
    rmSync(files.tar, { force: true });
    if (error instanceof NeedsUnpacking || CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw layerError(error, path);
  }
}
