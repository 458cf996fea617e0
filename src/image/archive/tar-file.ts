// An archive that is an uncompressed tar on disk: its members are found by their headers and copied from where they lie, so that what is
// in the store already is not even read.
import fs from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Digest } from '../../model/index.ts';
import type { BlobWriters, StoredBlob } from './blob-writer.ts';
import { incomplete, mismatch } from './errors.ts';
import { MAX_DOCUMENT, tooLarge } from './files.ts';
import type { ArchiveFiles } from './files.ts';
import { TarMembers } from './tar-members.ts';

/** Between two breaths so many bytes (of copying) pass: signals and screens want their turn. */
const YIELD_BYTES = 16 << 20;

export class TarFile implements ArchiveFiles {
  private readonly fd: number;
  private readonly writers: BlobWriters;
  private readonly signal: AbortSignal | undefined;
  private readonly members: TarMembers;

  /** Takes over the descriptor. */
  constructor(fd: number, writers: BlobWriters, signal: AbortSignal | undefined) {
    this.fd = fd;
    this.writers = writers;
    this.signal = signal;
    this.members = new TarMembers(fd);
  }

  has(name: string): boolean {
    return this.members.find(name) !== undefined;
  }

  document(name: string): Buffer {
    const member = this.members.find(name);
    if (member === undefined) throw incomplete(name);
    if (member.storedSize > MAX_DOCUMENT) throw tooLarge(name);
    const bytes = Buffer.allocUnsafe(member.storedSize);
    if (fs.readSync(this.fd, bytes, 0, bytes.length, member.dataOffset) < bytes.length) throw incomplete(name);
    return bytes;
  }

  async blob(name: string, expected: Digest | undefined, onBytes: (current: number, total: number) => void): Promise<StoredBlob> {
    const member = this.members.find(name);
    if (member === undefined) throw incomplete(name);
    const present = expected === undefined ? undefined : this.writers.hold(expected);
    if (present !== undefined) return present;
    const writer = this.writers.begin(member.storedSize);
    let left = member.storedSize;
    let position = member.dataOffset;
    for (let sinceYield = 0; left > 0;) {
      const n = writer.fill((target) => fs.readSync(this.fd, target, 0, Math.min(target.length, left), position));
      if (n === 0) throw incomplete(name);
      left -= n;
      position += n;
      if ((sinceYield += n) < YIELD_BYTES) continue;
      sinceYield = 0;
      onBytes(member.storedSize - left, member.storedSize);
      await breathe();
      this.signal?.throwIfAborted();
    }
    return writer.commit(({ digest }) => {
      if (expected !== undefined && digest !== expected) throw mismatch(name, expected, digest);
    });
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
