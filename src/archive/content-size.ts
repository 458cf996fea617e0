// The size of a layer as Docker tells it: what stat(2) says of everything in it but directories, each file counted once.
import type { TarEntry } from './entry.ts';
import { nameTooLong } from './errors.ts';
import { isUsablePath } from '../sys/index.ts';
import { TarParser } from './parser.ts';
import { readTarIndex } from './tar-index.ts';

/** What an entry adds to the size of its layer: a file its bytes, a symbolic link those of its target. */
export function contentBytes(entry: Pick<TarEntry, 'type' | 'size' | 'link'>): number {
  if (entry.type === 'file') return entry.size;
  return entry.type === 'symlink' ? Buffer.byteLength(entry.link ?? '') : 0;
}

/** Counts while an uncompressed tar goes by. Throws 'archive.*' for what is none. */
export class ContentSize {
  bytes = 0;
  entries = 0;
  readonly #parser = new TarParser({
    entry: (entry) => {
      this.bytes += checkedBytes(entry);
      this.entries++;
    },
    data: () => {},
    end: () => {},
  });

  /** As that of `TarParser`. */
  get excess(): number {
    return this.#parser.excess;
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk);
  }

  /** Throws 'archive.truncated' when the end is missing. */
  finish(): void {
    this.#parser.finish();
  }
}

/** Of an uncompressed tar on disk, without reading the files in it. */
export function contentSizeOf(path: string): number {
  let bytes = 0;
  for (const { entry } of readTarIndex(path)) bytes += checkedBytes(entry);
  return bytes;
}

/** Names that no file can have are found here, and not when somebody needs the layer. */
function checkedBytes(entry: TarEntry): number {
  if (!isUsablePath(entry.path)) throw nameTooLong(undefined, entry.path);
  return contentBytes(entry);
}
