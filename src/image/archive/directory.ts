// An archive that lies unpacked in a directory: an OCI image layout, or what `save` wrote. Links that lead out of it are not followed.
import fs from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Digest } from '../../model/index.ts';
import type { BlobWriters, StoredBlob } from './blob-writer.ts';
import { incomplete, mismatch } from './errors.ts';
import { MAX_DOCUMENT, tooLarge } from './files.ts';
import type { ArchiveFiles } from './files.ts';
import { FolderReader } from './folder-reader.ts';

const YIELD_BYTES = 16 << 20;

export class Directory implements ArchiveFiles {
  private readonly reader: FolderReader;
  private readonly writers: BlobWriters;
  private readonly signal: AbortSignal | undefined;

  constructor(path: string, writers: BlobWriters, signal: AbortSignal | undefined) {
    this.reader = new FolderReader(path);
    this.writers = writers;
    this.signal = signal;
  }

  has(name: string): boolean {
    return this.reader.has(name);
  }

  document(name: string): Buffer {
    const file = this.reader.open(name);
    if (file === undefined) throw incomplete(name);
    try {
      if (file.size > MAX_DOCUMENT) throw tooLarge(name);
      return fs.readFileSync(file.fd);
    } finally {
      fs.closeSync(file.fd);
    }
  }

  async blob(name: string, expected: Digest | undefined, onBytes: (current: number, total: number) => void): Promise<StoredBlob> {
    const file = this.reader.open(name);
    if (file === undefined) throw incomplete(name);
    const { fd, size } = file;
    try {
      const present = expected === undefined ? undefined : this.writers.hold(expected);
      if (present !== undefined) return present;
      const writer = this.writers.begin(size);
      for (let sinceYield = 0, n; (n = writer.fill((target) => fs.readSync(fd, target, 0, target.length, null))) > 0;) {
        if ((sinceYield += n) < YIELD_BYTES) continue;
        sinceYield = 0;
        onBytes(writer.size, size);
        await breathe();
        this.signal?.throwIfAborted();
      }
      return writer.commit(({ digest }) => {
        if (expected !== undefined && digest !== expected) throw mismatch(name, expected, digest);
      });
    } finally {
      fs.closeSync(fd);
    }
  }

  close(): void {}
}
