// Files of a folder by the names that documents in it give. Only regular files below the folder are opened: what these documents name
// may come from anybody, and what is read may be sent elsewhere.
import fs from 'node:fs';
import { RootedTree } from '../../sys/index.ts';
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
    const clean = cleanName(name);
    if (clean === undefined || clean.includes('\0')) return undefined;
    using tree = new RootedTree(this.#root);
    let fd: number;
    try {
      fd = tree.openFile(clean);
    } catch {
      return undefined;
    }
    return { fd, size: fs.fstatSync(fd).size };
  }
}
