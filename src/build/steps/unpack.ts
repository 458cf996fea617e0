// Unpacks a tar archive into a directory that nothing may leave: for ADD, and for contexts that come as archives.
// Unlike a layer, such an archive has no whiteouts; names and links are taken inside the root, whatever they say.
import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Writable, type Readable } from 'node:stream';
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
import { lutimesNs, mknod, removeTree } from '../../sys/index.ts';
import { cleanWords, followInside, lstatOrNone, makeDirectories } from './inside.ts';
import type { Owner } from './owner.ts';
import { writeXattr } from './xattrs.ts';

export interface UnpackOptions {
  /** Everything belongs to this owner; undefined keeps what the archive says. */
  readonly owner?: Owner | undefined;
}

const HEAD = 64 * 1024;

/** Whether a file begins as a tar archive does, compressed or not; its name does not matter. */
export async function isArchive(path: string): Promise<boolean> {
  const head = Buffer.alloc(HEAD);
  const fd = openSync(path, 'r');
  let n: number;
  try {
    n = readSync(fd, head, 0, HEAD, 0);
  } finally {
    closeSync(fd);
  }
  const compression = detectCompression(head.subarray(0, n));
  if (compression === 'none') return looksLikeTar(head.subarray(0, n));
  const plain = await firstBytes(createReadStream(path, { highWaterMark: HEAD }), decompressor(compression));
  return looksLikeTar(plain);
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

/** Unpacks the archive in `path` into the directory `root`, which is `/` to the links in it. */
export async function unpackFile(path: string, root: string, options: UnpackOptions = {}, signal?: AbortSignal): Promise<void> {
  await unpackStream(createReadStream(path, { highWaterMark: 1 << 20 }), root, options, signal);
}

/** As unpackFile, from a stream. What goes into the root is written synchronously as it comes. */
export async function unpackStream(source: Readable, root: string, options: UnpackOptions = {}, signal?: AbortSignal): Promise<void> {
  const target = new Unpacker(root, options);
  const parser = new TarParser(target);
  let through: Writable | undefined;
  let finished: Promise<void> | undefined;
  const sink = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        try {
          parser.write(chunk);
          done();
        } catch (e) {
          done(e as Error);
        }
      },
    });
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
  parser.finish();
  target.finish();
}

/** Puts entries where they belong. */
class Unpacker implements TarHandler {
  readonly #root: string;
  readonly #o: UnpackOptions;
  /** Directories by the path written, once followed; void when a link comes in or something goes. */
  #followed = new Map<string, string>();
  /** Times of directories, set when all is in. */
  readonly #directories = new Map<string, bigint>();
  #entry: TarEntry | undefined;
  #path = '';
  #fd: number | undefined;
  #extent = 0;
  #inExtent = 0;

  constructor(root: string, options: UnpackOptions) {
    this.#root = root;
    this.#o = options;
  }

  entry(entry: TarEntry): void {
    this.#entry = undefined;
    this.#extent = this.#inExtent = 0;
    if (!isUsablePath(entry.path)) throw nameTooLong(undefined, entry.path);
    const words = this.#words(entry.path);
    const name = words.pop();
    if (name === undefined) {
      // the archive's own top
      if (entry.type === 'dir') this.#directory(this.#root, entry);
      return;
    }
    const path = `${this.#parent(words.join('/'))}/${name}`;
    if (entry.type === 'dir') {
      this.#directory(path, entry);
      return;
    }
    if (lstatOrNone(path)) {
      removeTree(path);
      this.#followed.clear();
    }
    this.#path = path;
    this.#entry = entry;
    this.#make(path, entry);
  }

  #words(path: string): string[] {
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
    return cleanWords(path);
  }

  /** The directory for `written`, made when missing, links followed inside the root. */
  #parent(written: string): string {
    const known = this.#followed.get(written);
    if (known !== undefined) return known;
    const inside = followInside(this.#root, written);
    const path = inside === '' ? this.#root : `${this.#root}/${inside}`;
    const there = lstatOrNone(path);
    if (!there?.isDirectory()) {
      const cut = written.lastIndexOf('/');
      this.#parent(cut < 0 ? '' : written.slice(0, cut));
      if (there) removeTree(path);
      makeDirectories(this.#root, inside, 0o755, (made) => {
        chmodSync(made, 0o755);
        if (this.#o.owner) lchownSync(made, this.#o.owner.uid, this.#o.owner.gid);
      });
    }
    this.#followed.set(written, path);
    return path;
  }

  #directory(path: string, entry: TarEntry): void {
    const there = lstatOrNone(path);
    if (there && !there.isDirectory()) {
      removeTree(path);
      this.#followed.clear();
    }
    if (!there?.isDirectory()) mkdirSync(path);
    this.#own(path, entry);
    chmodSync(path, entry.mode & 0o7777);
    this.#attributes(path, entry);
    this.#directories.set(path, entry.mtimeNs);
  }

  #make(path: string, entry: TarEntry): void {
    switch (entry.type) {
      case 'file':
        this.#fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
        return;
      case 'link': {
        linkSync(`${this.#root}/${followInside(this.#root, cleanWords(entry.link ?? '').join('/'), true)}`, path);
        this.#entry = undefined;
        return;
      }
      case 'symlink':
        symlinkSync(entry.link ?? '', path);
        this.#followed.clear();
        return;
      default:
        mknod(
          path,
          { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO, dir: 0 }[entry.type] | 0o600,
          entry.major ?? 0,
          entry.minor ?? 0,
        );
    }
  }

  data(chunk: Buffer): void {
    if (this.#fd === undefined) return;
    const sparse = this.#entry?.sparse;
    if (!sparse) {
      for (let at = 0; at < chunk.length;) at += writeSync(this.#fd, chunk, at, chunk.length - at);
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const extent = sparse[this.#extent];
      if (!extent) return;
      if (this.#inExtent === extent.length) {
        this.#extent++;
        this.#inExtent = 0;
        continue;
      }
      const n = writeSync(this.#fd, chunk, at, Math.min(chunk.length - at, extent.length - this.#inExtent), extent.offset + this.#inExtent);
      at += n;
      this.#inExtent += n;
    }
  }

  end(): void {
    const entry = this.#entry;
    if (this.#fd !== undefined) {
      if (entry?.sparse) ftruncateSync(this.#fd, entry.size);
      closeSync(this.#fd);
      this.#fd = undefined;
    }
    if (!entry) return;
    this.#own(this.#path, entry);
    if (entry.type !== 'symlink') chmodSync(this.#path, entry.mode & 0o7777);
    this.#attributes(this.#path, entry);
    lutimesNs(this.#path, entry.mtimeNs, entry.mtimeNs);
  }

  #own(path: string, entry: TarEntry): void {
    const { uid, gid } = this.#o.owner ?? entry;
    lchownSync(path, uid, gid);
  }

  #attributes(path: string, entry: TarEntry): void {
    for (const [name, value] of entry.xattrs ?? []) writeXattr(path, name, value);
  }

  finish(): void {
    for (const [path, time] of this.#directories) {
      if (lstatOrNone(path)?.isDirectory()) lutimesNs(path, time, time);
    }
  }
}
