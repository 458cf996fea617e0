// The files of a layout or an archive: in a folder, or in an uncompressed tar that is read at random. Names come from documents
// that anybody may have written: what leads outside is missing.
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { detectCompression, MAGIC_LENGTH } from '../../archive/index.ts';
import { FolderReader, TarMembers } from '../../image/index.ts';
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
  readonly #path: string;
  readonly #reader: FolderReader;

  constructor(path: string) {
    this.#path = path;
    this.#reader = new FolderReader(path);
  }

  has(name: string): boolean {
    return this.#reader.has(name);
  }

  read(name: string): Buffer {
    const { fd, size } = this.#open(name);
    try {
      return readPart(fd, 0, size, () => missing(name, this.#path), name);
    } finally {
      closeSync(fd);
    }
  }

  size(name: string): number {
    const { fd, size } = this.#open(name);
    closeSync(fd);
    return size;
  }

  stream(name: string, start: number): Readable {
    const { fd } = this.#open(name);
    return createReadStream('', { fd, start, highWaterMark: CHUNK });
  }

  close(): void {}

  #open(name: string): { fd: number; size: number } {
    const file = this.#reader.open(name);
    if (file === undefined) throw missing(name, this.#path);
    return file;
  }
}

class TarFiles implements Files {
  readonly #path: string;
  readonly #fd: number;
  readonly #members: TarMembers;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(this.#fd).isFile())
        throw new SlipwayError('invalid-argument', 'copy.not-a-file', `${path} is neither a regular file nor a folder`);
      const head = Buffer.alloc(MAGIC_LENGTH);
      const compression = detectCompression(head.subarray(0, readSync(this.#fd, head, 0, MAGIC_LENGTH, 0)));
      if (compression !== 'none')
        throw new SlipwayError('unsupported', 'copy.compressed', `${path} is compressed (${compression}): it cannot be read at random`, {
          hints: ['decompress it first, or slipway load it'],
        });
      this.#members = new TarMembers(this.#fd);
    } catch (e) {
      closeSync(this.#fd);
      throw e;
    }
  }

  has(name: string): boolean {
    return this.#members.find(name) !== undefined;
  }

  read(name: string): Buffer {
    const { dataOffset, storedSize } = this.#member(name);
    return readPart(this.#fd, dataOffset, storedSize, () => missing(name, this.#path), name);
  }

  size(name: string): number {
    return this.#member(name).storedSize;
  }

  stream(name: string, start: number): Readable {
    const { dataOffset, storedSize } = this.#member(name);
    if (start >= storedSize) return Readable.from([], { objectMode: false });
    return createReadStream(this.#path, { start: dataOffset + start, end: dataOffset + storedSize - 1, highWaterMark: CHUNK });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #member(name: string): { dataOffset: number; storedSize: number } {
    const found = this.#members.find(name);
    if (found === undefined) throw missing(name, this.#path);
    return found;
  }
}

function readPart(fd: number, offset: number, size: number, incomplete: () => SlipwayError, name: string): Buffer {
  if (size > LARGEST) throw new SlipwayError('data-loss', 'copy.too-large', `${name} is too large for a document`);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const n = readSync(fd, bytes, at, size - at, offset + at);
    if (n === 0) throw incomplete();
    at += n;
  }
  return bytes;
}

const missing = (name: string, path: string): SlipwayError =>
  new SlipwayError('data-loss', 'copy.incomplete', `${path} is incomplete: ${JSON.stringify(name)} is missing`);
