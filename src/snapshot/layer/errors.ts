// What goes wrong while a layer is unpacked or read, said in terms of the layer: which entry, and whether the layer, the disk or the
// caller's rights are to blame.
import { SlipwayError, isSlipwayError } from '../../model/index.ts';

/** A layer that asks for something that must not or cannot be. */
export function invalidLayer(path: string, what: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    'data-loss',
    'layer.invalid',
    `invalid layer: ${JSON.stringify(path)}: ${what}`,
    cause === undefined ? {} : { cause },
  );
}

/** An entry that names something outside of the file system it is unpacked into. */
export function unsafePath(path: string, what = 'leads out of the layer'): SlipwayError {
  return new SlipwayError('data-loss', 'layer.unsafe-path', `invalid layer: ${JSON.stringify(path)} ${what}`);
}

const BLAMES_LAYER: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of its path is not a directory',
  ELOOP: 'too many symbolic links',
  EISDIR: 'it is a directory',
  EINVAL: 'the file system does not accept it',
  EFBIG: 'the file is too large',
  EMLINK: 'too many links',
  ENOENT: 'it cannot be made',
  EEXIST: 'it exists already',
  EILSEQ: 'the file system does not accept the name',
};

/** Turns a system error that happened for an entry into a typed one; anything else passes unchanged. */
export function layerError(error: unknown, path: string): unknown {
  if (isSlipwayError(error) || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SlipwayError('no-space', 'layer.no-space', `no space left on the device while unpacking ${JSON.stringify(path)}`, {
      cause: error,
    });
  }
  if (code === 'EPERM' || code === 'EACCES') {
    return new SlipwayError('permission-denied', 'layer.permission', `no permission to unpack ${JSON.stringify(path)}`, { cause: error });
  }
  const blame = BLAMES_LAYER[code];
  return blame === undefined ? error : invalidLayer(path, blame, error);
}
