// From what SQLite and the file system say to what a user is told.
import { closeSync, openSync, statfsSync } from 'node:fs';
import { isSlipwayError, SlipwayError } from '../model/index.ts';

// Result codes of SQLite (sqlite.org/rescode.html); the low byte is the primary one.
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const IOERR_SHMSIZE = IOERR | (19 << 8);

/** Also for the writers of blobs and snapshots, which meet ENOSPC themselves. */
export function isNoSpace(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

export function noSpaceError(path: string, cause?: unknown): SlipwayError {
  return new SlipwayError('no-space', 'store.full', `no space left on device: the disk that holds ${path} is full`, {
    hints: ['remove what is not used with `slipway system prune`, or give the store a larger disk (SLIPWAY_ROOT)'],
    cause,
  });
}

/** Errors that mean something to a user are translated; all others come back as they are. */
export function storeError(error: unknown, root: string): unknown {
  if (isSlipwayError(error)) return error;
  if (isNoSpace(error)) return noSpaceError(root, error);
  const { code, errcode } = error as { code?: string; errcode?: number };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return noPermission(root, error);
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return error;
  const primary = errcode & 0xff;
  if (primary === FULL || errcode === IOERR_SHMSIZE || ((primary === IOERR || primary === CANTOPEN) && isFull(root)))
    return noSpaceError(root, error);
  if (primary === BUSY)
    return new SlipwayError('unavailable', 'store.busy', `the store ${root} is busy: another process holds its database`, { cause: error });
  if (primary === CANTOPEN && !canOpen()) return Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  if (primary === READONLY || primary === CANTOPEN) return noPermission(root, error);
  if (primary === CORRUPT || primary === NOTADB)
    return new SlipwayError('data-loss', 'store.corrupt', `the database of the store ${root} is damaged`, { cause: error });
  return error;
}

function noPermission(root: string, cause: unknown): SlipwayError {
  return new SlipwayError('permission-denied', 'store.no-permission', `the store ${root} cannot be written`, {
    hints: ['run as root, or choose another folder with SLIPWAY_ROOT'],
    cause,
  });
}

/** Whether a descriptor is left. */
function canOpen(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return true;
  } catch {
    return false;
  }
}

function isFull(path: string): boolean {
  try {
    const fs = statfsSync(path);
    return fs.bavail * fs.bsize < 65536 || (fs.files > 0 && fs.ffree === 0);
  } catch {
    return false;
  }
}
