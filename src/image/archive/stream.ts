// An archive that passes by once: standard input, or anything compressed. Members are kept as they come, small ones in memory and others
// as blobs that only the lease holds, since what they are for stands in documents that may come last.
import type { Readable } from 'node:stream';
import { TarParser } from '../../archive/index.ts';
import type { TarEntry } from '../../archive/index.ts';
import type { ContentStore } from '../../content/index.ts';
import type { Digest } from '../../model/index.ts';
import type { BlobWriter, BlobWriters, StoredBlob } from './blob-writer.ts';
import { incomplete, mismatch } from './errors.ts';
import { MAX_DEPTH, MAX_DOCUMENT, MAX_MEMBERS, cleanName, followLinks, tooLarge, tooManyMembers } from './files.ts';
import type { ArchiveFiles } from './files.ts';

/** Members up to this size stay in memory as long as all of them together take no more than the other number (bytes). */
const MAX_SMALL = 1 << 20;
const MAX_IN_MEMORY = 64 << 20;
/** Links between members are short. */
const MAX_LINK = 1024;

type Member = { readonly bytes: Buffer } | { readonly blob: StoredBlob } | { readonly link: string; readonly hard: boolean };

export class StreamedArchive implements ArchiveFiles {
  private readonly writers: BlobWriters;
  private readonly content: ContentStore;
  private readonly members = new Map<string, Member>();
  private inMemory = 0;
  private seen = 0;

  private constructor(writers: BlobWriters, content: ContentStore) {
    this.writers = writers;
    this.content = content;
  }

  /** Reads the whole stream, which is uncompressed. @throws SlipwayError `archive.*` */
  static async read(
    source: Readable,
    writers: BlobWriters,
    content: ContentStore,
    o: { signal?: AbortSignal | undefined; onBytes?: (name: string, current: number, total: number) => void },
  ): Promise<StreamedArchive> {
    const archive = new StreamedArchive(writers, content);
    let name: string | undefined;
    let size = 0;
    let parts: Buffer[] | undefined;
    let writer: BlobWriter | undefined;
    const parser = new TarParser({
      entry: (entry) => {
        [name, parts, writer, size] = [archive.wanted(entry), undefined, undefined, entry.size];
        if (name === undefined) return;
        if (size <= MAX_SMALL && archive.inMemory + size <= MAX_IN_MEMORY) parts = [];
        else writer = writers.begin(size);
      },
      data: (chunk) => {
        if (writer !== undefined) writer.write(chunk);
        else parts?.push(Buffer.from(chunk));
      },
      end: () => {
        if (name === undefined) return;
        if (writer !== undefined) archive.members.set(name, { blob: writer.commit() });
        else if (parts !== undefined) {
          archive.inMemory += size;
          archive.members.set(name, { bytes: Buffer.concat(parts) });
        }
      },
    });
    for await (const chunk of source) {
      o.signal?.throwIfAborted();
      parser.write(chunk as Buffer);
      if (parser.excess > 0) break;
      if (writer !== undefined && name !== undefined) o.onBytes?.(name, writer.size, size);
    }
    parser.finish();
    return archive;
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  document(name: string): Buffer {
    const member = this.find(name);
    if (member === undefined) throw incomplete(name);
    if (member.bytes !== undefined) return member.bytes;
    if (member.blob.size > MAX_DOCUMENT) throw tooLarge(name);
    return this.content.read(member.blob.digest);
  }

  async blob(name: string, expected: Digest | undefined): Promise<StoredBlob> {
    const member = this.find(name);
    if (member === undefined) throw incomplete(name);
    const blob = member.bytes === undefined ? member.blob : this.writers.add(member.bytes);
    if (expected !== undefined && blob.digest !== expected) throw mismatch(name, expected, blob.digest);
    return blob;
  }

  close(): void {}

  /** The clean name of a member that is kept; links are noted at once. */
  private wanted(entry: TarEntry): string | undefined {
    if (++this.seen > MAX_MEMBERS) throw tooManyMembers();
    const name = cleanName(entry.path);
    if (name === undefined || name.split('/', MAX_DEPTH + 1).length > MAX_DEPTH || entry.sparse !== undefined) return undefined;
    if ((entry.type === 'symlink' || entry.type === 'link') && (entry.link ?? '').length <= MAX_LINK)
      this.members.set(name, { link: entry.link ?? '', hard: entry.type === 'link' });
    return entry.type === 'file' ? name : undefined;
  }

  private find(name: string): { bytes: Buffer; blob?: undefined } | { bytes?: undefined; blob: StoredBlob } | undefined {
    const member = followLinks(name, this.members, (m) => ('link' in m && !m.hard ? m.link : undefined));
    const end = member !== undefined && 'link' in member ? this.members.get(cleanName(member.link) ?? '') : member;
    if (end === undefined || 'link' in end) return undefined;
    return end;
  }
}
