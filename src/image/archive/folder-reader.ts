// Files of a folder by the names that documents in it give. Only regular files below the folder are opened: what these documents name
// may come from anybody, and what is read may be sent elsewhere.
import fs from 'node:fs';
import { join, sep } from 'node:path';
import { cleanName } from './files.ts';

export interface OpenedFile {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
}

export class FolderReader {
  readonly #root: string;

  constructor(path: string) {
    this.#root = fs.realpathSync(path);
  }

  has(name: string): boolean {
    const file = this.open(name);
    if (file !== undefined) fs.closeSync(file.fd);
    return file !== undefined;
  }

  /** Opens a regular file; `undefined` for anything else, and for what a link leads to outside of the folder. The caller closes it. */
  open(name: string): OpenedFile | undefined {
    const path = this.#find(name);
    if (path === undefined) return undefined;
    // Never blocks, also when a named pipe took the file's place since it was looked at.
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return { fd, size: stat.size };
    fs.closeSync(fd);
    return undefined;
  }

  #find(name: string): string | undefined {
    const clean = cleanName(name);
    if (clean === undefined || clean.includes('\0')) return undefined;
    let path: string;
    try {
      path = fs.realpathSync(join(this.#root, clean));
    } catch {
      return undefined;
    }
    const prefix = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    return path.startsWith(prefix) && fs.statSync(path).isFile() ? path : undefined;
  }
}
