// Lists an uncompressed tar file on disk without reading the bodies: jumps from header to header, so a file of gigabytes with few
// members costs a handful of reads.
import fs from 'node:fs';
import type { TarEntry } from './entry.ts';
import { storedSize } from './entry.ts';
import { truncatedArchive } from './errors.ts';
import { TarParser } from './parser.ts';

export interface IndexedEntry {
  readonly entry: TarEntry;
  /** Where the stored bytes begin in the file. */
  readonly dataOffset: number;
  /** How many bytes are stored (less than `entry.size` for a sparse file). */
  readonly storedSize: number;
}

const WINDOW = 16 << 10;

/** Yields the members of the tar in `source`, a path or an open descriptor of a seekable file. @throws `archive.*`, system errors. */
export function* readTarIndex(source: string | number): Generator<IndexedEntry, void> {
  const fd = typeof source === 'number' ? source : fs.openSync(source, 'r');
  try {
    yield* walk(fd, fs.fstatSync(fd).size);
  } finally {
    if (fd !== source) fs.closeSync(fd);
  }
}

function* walk(fd: number, fileSize: number): Generator<IndexedEntry, void> {
  let found: IndexedEntry[] = [];
  const parser = new TarParser({
    entry: (entry) => void found.push({ entry, dataOffset: parser.offset, storedSize: storedSize(entry) }),
    data: () => {},
    end: () => {},
  });
  const window = Buffer.allocUnsafe(WINDOW);
  let at = 0;
  while (!parser.finished) {
    const jump = Math.min(parser.skippable, Math.max(0, fileSize - at));
    parser.skip(jump);
    at += jump;
    const n = fs.readSync(fd, window, 0, WINDOW, at);
    if (n === 0) break;
    at += n;
    parser.write(window.subarray(0, n));
    // A body that reaches past the end of the file is not worth listing.
    const last = found.at(-1);
    if (last !== undefined && last.dataOffset + last.storedSize > fileSize) throw truncatedArchive(fileSize);
    yield* found;
    found = [];
  }
  parser.finish();
}
