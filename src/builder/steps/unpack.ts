// Unpacks a tar archive into a directory that nothing may leave: for ADD, and for contexts that come as archives.
// Unlike a layer, such an archive has no whiteouts; names and links are taken inside the root, whatever they say.
import {
  chmodSync,
  chownSync,
  constants,
  lchownSync,
  linkSync,
  mkdirSync,
  readSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import {
  decompressor,
  detectCompression,
  isUsablePath,
  nameTooLong,
  TarParser,
  type TarEntry,
  type TarHandler,
} from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { FileWriter } from '../../snapshot/index.ts';
import { type Directory, encodeName, lutimesNs, mknod, OpenDirectories, reasonOf, RootedTree } from '../../sys/index.ts';
import type { Owner } from './owner.ts';
import { cleanWords, splitPath } from './words.ts';
import { isKept, writeXattr } from './xattrs.ts';

export interface UnpackOptions {
  /** Everything belongs to this owner; undefined keeps what the archive says. */
  readonly owner?: Owner | undefined;
}

const HEAD = 64 * 1024;

/** Whether an open file begins as a tar archive does, compressed or not; its name does not matter. */
export async function isArchive(fd: number): Promise<boolean> {
  const head = Buffer.alloc(HEAD);
  const n = readSync(fd, head, 0, HEAD, 0);
  const compression = detectCompression(head.subarray(0, n));
  if (compression === 'none') return looksLikeTar(head.subarray(0, n));
  const plain = await firstBytes(bytesOf(fd, HEAD), decompressor(compression));
  return looksLikeTar(plain);
}

/** The file from its beginning; the caller closes it. */
function bytesOf(fd: number, chunk: number): Readable {
  return Readable.from(
    (function* () {
      for (let position = 0; ;) {
        const bytes = Buffer.allocUnsafe(chunk);
        const n = readSync(fd, bytes, 0, chunk, position);
        if (n === 0) return;
        position += n;
        yield bytes.subarray(0, n);
      }
    })(),
  );
}

/** The first block of what `source` holds once `through` has undone its compression; empty when that fails. */
async function firstBytes(source: Readable, through: ReturnType<typeof decompressor>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  source.on('error', (e) => through.destroy(e));
  try {
    for await (const chunk of source.pipe(through)) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size >= 512) break;
    }
  } catch {
    return Buffer.alloc(0);
  } finally {
    source.destroy();
    through.destroy();
  }
  return Buffer.concat(chunks);
}

/** A tar archive begins with a header whose checksum is right (POSIX.1, pax: "ustar Interchange Format"). */
export function looksLikeTar(head: Buffer): boolean {
  if (head.length < 512) return false;
  const written = parseInt(head.toString('latin1', 148, 156).replace(/\0/g, ' ').trim(), 8);
  if (!Number.isFinite(written)) return false;
  let sum = 0;
  let signed = 0;
  for (let i = 0; i < 512; i++) {
    const byte = i >= 148 && i < 156 ? 32 : head[i]!;
    sum += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return written === sum || written === signed;
}

/** Unpacks the archive in an open file into the directory `root`, which is `/` to the links in it. */
export async function unpackFile(fd: number, root: string, options: UnpackOptions = {}, signal?: AbortSignal): Promise<void> {
  await unpackStream(bytesOf(fd, 1 << 20), root, options, signal);
}

/** As unpackFile, from a stream. What goes into the root is written synchronously as it comes. */
export async function unpackStream(source: Readable, root: string, options: UnpackOptions = {}, signal?: AbortSignal): Promise<void> {
  using target = new Unpacker(root, options);
  const parser = new TarParser(target);
  let through: Writable | undefined;
  let finished: Promise<void> | undefined;
  const sink = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        try {
          parser.write(chunk);
          done(parser.excess > 0 ? new Error('more than an archive') : null);
        } catch (e) {
          done(e as Error);
        }
      },
    });
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
      if (!through) {
        const decompress = decompressor(detectCompression(bytes));
        through = decompress;
        finished = pipeline(decompress, sink());
        finished.catch(() => {});
      }
      if (!through.write(bytes)) await Promise.race([new Promise<void>((resolve) => through!.once('drain', resolve)), finished!]);
    }
    through?.end();
    await finished;
  } catch (e) {
    // What follows the end of an archive is of no interest, whatever it is.
    if (parser.excess === 0 || signal?.aborted === true) throw e;
  }
  parser.finish();
  target.finish();
}

/** Puts entries where they belong. */
class Unpacker implements TarHandler, Disposable {
  readonly #tree: RootedTree;
  readonly #o: UnpackOptions;
  readonly #open: OpenDirectories;
  /** Times of directories, by real path, set when all is in. */
  readonly #directories = new Map<string, bigint>();
  #entry: TarEntry | undefined;
  /** Where the entry goes. */
  #parent: Directory | undefined;
  #name = '';
  readonly #writer = new FileWriter();

  constructor(root: string, options: UnpackOptions) {
    this.#tree = new RootedTree(root);
    this.#open = new OpenDirectories(this.#tree, (parent, name, there) => this.#passage(parent, name, there));
    this.#o = options;
  }

  [Symbol.dispose](): void {
    this.#writer.abort();
    this.#open[Symbol.dispose]();
    this.#tree[Symbol.dispose]();
  }

  entry(entry: TarEntry): void {
    try {
      this.#place(entry);
    } catch (e) {
      throw blamed(e, entry);
    }
  }

  #place(entry: TarEntry): void {
    this.#entry = undefined;
    if (!isUsablePath(entry.path)) throw nameTooLong(undefined, entry.path);
    const inside = wordsOf(entry.path);
    if (inside === '') return; // the archive's own top says nothing of the directory that it goes into
    const [above, name] = splitPath(inside);
    this.#open.trim();
    this.#parent = this.#open.directory(above);
    this.#name = name;
    const there = this.#parent.stat(name);
    if (entry.type === 'dir') {
      if (there?.isDirectory() !== true) {
        if (there) this.#remove(this.#parent, name, there);
        mkdirSync(this.#parent.at(name));
      }
      using directory = this.#parent.directory(name);
      this.#settleDirectory(directory, entry);
      return;
    }
    if (there) this.#remove(this.#parent, name, there);
    this.#entry = this.#settled(entry);
    this.#make(this.#parent, name, this.#entry);
  }

  /** With the owner and the time that it gets, and without attributes that images do not hold. */
  #settled(entry: TarEntry): TarEntry {
    const { uid, gid } = this.#o.owner ?? entry;
    const { xattrs, ...rest } = entry;
    const kept = [...(xattrs ?? [])].filter(([name]) => isKept(name));
    return { ...rest, uid, gid, mtimeNs: timeOf(entry), ...(kept.length > 0 && { xattrs: new Map(kept) }) };
  }

  #remove(parent: Directory, name: string, there: Stats): void {
    if (there.isDirectory()) rmSync(parent.at(name), { recursive: true });
    else unlinkSync(parent.at(name));
    if (there.isDirectory() || there.isSymbolicLink()) this.#open.forget();
  }

  /** A directory that the archive has no entry for; what stands in the way gives way. */
  #passage(parent: Directory, name: string, there: Stats | undefined): void {
    if (there) unlinkSync(parent.at(name));
    mkdirSync(parent.at(name));
    chmodSync(parent.at(name), 0o755);
    if (this.#o.owner) lchownSync(parent.at(name), this.#o.owner.uid, this.#o.owner.gid);
  }

  #settleDirectory(directory: Directory, entry: TarEntry): void {
    const { uid, gid } = this.#o.owner ?? entry;
    chownSync(directory.self, uid, gid);
    chmodSync(directory.self, entry.mode & 0o7777);
    for (const [name, value] of entry.xattrs ?? []) writeXattr(directory.self, name, value);
    this.#directories.set(directory.inside, timeOf(entry));
  }

  #make(parent: Directory, name: string, entry: TarEntry): void {
    switch (entry.type) {
      case 'file':
        this.#writer.create(parent, name, entry);
        return;
      case 'link': {
        const [above, last] = splitPath(this.#tree.locate(cleanWords(entry.link ?? '').join('/'), true));
        using directory = this.#tree.directory(above); // a missing one is not created
        linkSync(directory.at(last), parent.at(name));
        this.#entry = undefined;
        return;
      }
      case 'symlink':
        symlinkSync(encodeName(entry.link ?? ''), parent.at(name));
        return;
      default:
        mknod(
          parent.at(name),
          { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO, dir: 0 }[entry.type] | 0o600,
          entry.major ?? 0,
          entry.minor ?? 0,
        );
    }
  }

  data(chunk: Buffer): void {
    if (this.#writer.open) this.#writer.write(chunk);
  }

  end(): void {
    const entry = this.#entry;
    if (!entry) return;
    if (this.#writer.open) return this.#writer.finish();
    const path = this.#parent!.at(this.#name);
    lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== 'symlink') chmodSync(path, entry.mode & 0o7777);
    for (const [name, value] of entry.xattrs ?? []) writeXattr(path, name, value);
    lutimesNs(path, entry.mtimeNs, entry.mtimeNs);
  }

  finish(): void {
    for (const [inside, time] of this.#directories) {
      if (this.#tree.stat(inside)?.isDirectory() !== true) continue;
      using directory = this.#tree.directory(inside);
      lutimesNs(directory.self, time, time);
    }
  }
}

/** Times that 63 bits of nanoseconds do not hold become 1970, as in Docker. */
const timeOf = ({ mtimeNs }: TarEntry): bigint => (mtimeNs < 0n || mtimeNs >= 1n << 63n ? 0n : mtimeNs);

/** The path below the archive's root. @throws invalid-argument 'archive.outside' where it leads above it */
function wordsOf(path: string): string {
  let depth = 0;
  for (const word of path.split('/')) {
    if (word === '..') depth--;
    else if (word !== '' && word !== '.') depth++;
    if (depth < 0)
      throw new SlipwayError(
        'invalid-argument',
        'archive.outside',
        `invalid entry name ${JSON.stringify(path)}: it lies outside of the archive`,
      );
  }
  return cleanWords(path).join('/');
}

/** What an entry can be at fault for becomes an error that points at the instruction. */
function blamed(e: unknown, entry: TarEntry): unknown {
  const reason = reasonOf(e, 'ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EPERM', 'EINVAL', 'EMLINK');
  if (reason === undefined || e instanceof SlipwayError) return e;
  const what =
    entry.type === 'link' ? `hard link ${JSON.stringify(entry.path)} to ${JSON.stringify(entry.link ?? '')}` : JSON.stringify(entry.path);
  return new SlipwayError('invalid-argument', 'archive.entry', `cannot unpack ${what}: ${reason}`, { cause: e });
}
