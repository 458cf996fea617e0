// An archive that lies unpacked in a directory: an OCI image layout, or what `save` wrote. Links that lead out of it are not followed.
import fs from 'node:fs';
import { join, sep } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Digest } from '../../model/index.ts';
import type { BlobWriters, StoredBlob } from './blob-writer.ts';
import { incomplete, mismatch } from './errors.ts';
import { MAX_DOCUMENT, cleanName, tooLarge } from './files.ts';
import type { ArchiveFiles } from './files.ts';

const BREATH = 16 << 20;

export class Directory implements ArchiveFiles {
  private readonly root: string;
  private readonly writers: BlobWriters;
  private readonly signal: AbortSignal | undefined;

  constructor(path: string, writers: BlobWriters, signal: AbortSignal | undefined) {
    this.root = fs.realpathSync(path);
    this.writers = writers;
    this.signal = signal;
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  document(name: string): Buffer {
    const path = this.find(name);
    if (path === undefined) throw incomplete(name);
    if (fs.statSync(path).size > MAX_DOCUMENT) throw tooLarge(name);
    return fs.readFileSync(path);
  }

  async blob(name: string, expected: Digest | undefined, onBytes: (current: number, total: number) => void): Promise<StoredBlob> {
    const path = this.find(name);
    if (path === undefined) throw incomplete(name);
    const present = expected === undefined ? undefined : this.writers.hold(expected);
    if (present !== undefined) return present;
    const fd = fs.openSync(path, 'r');
    try {
      const { size } = fs.fstatSync(fd);
      const writer = this.writers.begin(size);
      for (let sinceBreath = 0, n; (n = writer.fill((target) => fs.readSync(fd, target, 0, target.length, null))) > 0;) {
        if ((sinceBreath += n) < BREATH) continue;
        sinceBreath = 0;
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

  private find(name: string): string | undefined {
    const clean = cleanName(name);
    if (clean === undefined) return undefined;
    let path: string;
    try {
      path = fs.realpathSync(join(this.root, clean));
    } catch {
      return undefined;
    }
    return path.startsWith(this.root + sep) && fs.statSync(path).isFile() ? path : undefined;
  }
}
