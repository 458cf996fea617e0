// The files of a layout or an archive: in a folder, or in an uncompressed tar that is read at random.
import { closeSync, createReadStream, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { detectCompression, MAGIC_LENGTH, readTarIndex } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';

const CHUNK = 1 << 20;
/** Documents are no larger. */
const LARGEST = 8 << 20;

export interface Files {
  has(name: string): boolean;
  /** A small file. */
  read(name: string): Buffer;
  size(name: string): number;
  stream(name: string, start: number): Readable;
  close(): void;
}

/** @throws SlipwayError not-found `copy.not-found`, unsupported `copy.compressed` */
export function openFiles(path: string): Files {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new SlipwayError('not-found', 'copy.not-found', `${path}: no such file or folder`);
  return stat.isDirectory() ? new FolderFiles(path) : new TarFiles(path);
}

class FolderFiles implements Files {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  has(name: string): boolean {
    return existsSync(join(this.#root, name));
  }

  read(name: string): Buffer {
    if (!this.has(name)) throw missing(name, this.#root);
    if (this.size(name) > LARGEST) throw large(name);
    return readFileSync(join(this.#root, name));
  }

  size(name: string): number {
    return statSync(join(this.#root, name)).size;
  }

  stream(name: string, start: number): Readable {
    return createReadStream(join(this.#root, name), { start, highWaterMark: CHUNK });
  }

  close(): void {}
}

class TarFiles implements Files {
  readonly #path: string;
  readonly #fd: number;
  readonly #members = new Map<string, { offset: number; size: number }>();

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(MAGIC_LENGTH);
      const compression = detectCompression(head.subarray(0, readSync(this.#fd, head, 0, MAGIC_LENGTH, 0)));
      if (compression !== 'none')
        throw new SlipwayError('unsupported', 'copy.compressed', `${path} is compressed (${compression}): it cannot be read at random`, {
          hints: ['decompress it first, or slipway load it'],
        });
      for (const { entry, dataOffset, storedSize } of readTarIndex(this.#fd)) {
        if (entry.type === 'file') this.#members.set(entry.path.replace(/^\.\//, ''), { offset: dataOffset, size: storedSize });
        // Older archives hold a layer once, and links to it.
        else if (entry.type === 'symlink' || entry.type === 'link') {
          const target = this.#members.get(join(entry.path, entry.type === 'symlink' ? '..' : '/', entry.link ?? '').replace(/^\//, ''));
          if (target !== undefined) this.#members.set(entry.path, target);
        }
      }
    } catch (e) {
      closeSync(this.#fd);
      throw e;
    }
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  read(name: string): Buffer {
    const { offset, size } = this.#member(name);
    if (size > LARGEST) throw large(name);
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const n = readSync(this.#fd, bytes, at, size - at, offset + at);
      if (n === 0) throw missing(name, this.#path);
      at += n;
    }
    return bytes;
  }

  size(name: string): number {
    return this.#member(name).size;
  }

  stream(name: string, start: number): Readable {
    const { offset, size } = this.#member(name);
    return createReadStream(this.#path, { start: offset + start, end: offset + size - 1, highWaterMark: CHUNK });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #member(name: string): { offset: number; size: number } {
    const found = this.#members.get(name);
    if (found === undefined) throw missing(name, this.#path);
    return found;
  }
}

const missing = (name: string, path: string): SlipwayError =>
  new SlipwayError('data-loss', 'copy.incomplete', `${path} is incomplete: ${name} is missing`);

const large = (name: string): SlipwayError => new SlipwayError('data-loss', 'copy.too-large', `${name} is too large for a document`);
