// A tar archive as a stream of entries, pushed through synchronously: no promise and no copy per entry, bounded memory whatever the
// input says. It understands bytes only; what a path means, or whether it is safe, is for whoever unpacks.
import type { EntryType, Extent, TarEntry } from './entry.ts';
import { invalidArchive, nameTooLong, oversizedHeader, tooMuch, truncatedArchive, unsupportedMember } from './errors.ts';
import { BLOCK, isZeroBlock, readNumber } from './fields.ts';
import { readHeader } from './header.ts';
import type { RawHeader } from './header.ts';
import { unpackLimit } from './limits.ts';
import { decodeName, MAX_PATH } from '../sys/index.ts';
import { applyPax, emptyOverrides } from './overrides.ts';
import type { Overrides } from './overrides.ts';
import { parsePaxRecords } from './pax.ts';
import type { PaxRecords } from './pax.ts';
import { BodyMapReader, MAX_EXTENTS, isSoundMap, readOldSparse, readPaxSparse } from './sparse.ts';

/** An extended header, a long name or the sum of the global headers may be this large. */
const MAX_EXTENDED_HEADER = 1 << 20;
/** Writers pad archives to whole records, of a mebibyte at the most. Of what follows the end so many bytes are taken, and no more. */
const MAX_TRAILER = 1 << 20;
/** So many extended headers may stand before one entry. */
const MAX_EXTENDED_IN_A_ROW = 32;
/** Global records are laid over every entry that follows, so there are few. */
const MAX_GLOBAL_RECORDS = 256;

export interface TarHandler {
  /** A new entry. `data` calls follow for its stored bytes, then `end`. */
  entry(entry: TarEntry): void;
  /** Some bytes of the entry. The buffer belongs to the caller of `write` and is only valid during the call. */
  data(chunk: Buffer): void;
  end(): void;
}

type State = 'header' | 'body' | 'padding' | 'extended' | 'old-sparse' | 'body-map' | 'finished';

const TYPES: Readonly<Record<string, EntryType>> = {
  0: 'file',
  7: 'file',
  S: 'file',
  1: 'link',
  2: 'symlink',
  3: 'char',
  4: 'block',
  5: 'dir',
  6: 'fifo',
};

export class TarParser {
  private readonly handler: TarHandler;
  private state: State = 'header';
  private position = 0;
  private endOffset = 0;
  private headerOffset = 0;
  /** A block that came in pieces. */
  private readonly carry = Buffer.alloc(BLOCK);
  private carried = 0;
  /** Bytes of the body, extended header or padding still to come, and the padding after them. */
  private remaining = 0;
  private paddingAfter = 0;
  private delivering = false;
  private zeroBlocks = 0;

  private extended = Buffer.alloc(0);
  private extendedFlag = '';
  private extendedInARow = 0;
  private local: PaxRecords | undefined;
  private readonly global = new Map<string, Buffer>();
  private globalBytes = 0;
  private longName: string | undefined;
  private longLink: string | undefined;

  private sparseEntry: TarEntry | undefined;
  private sparseStored = 0;
  /** Bytes of all sparse files until here, with their holes. */
  private sparseBytes = 0;
  private extents: Extent[] = [];
  private bodyMap: BodyMapReader | undefined;

  constructor(handler: TarHandler) {
    this.handler = handler;
  }

  /** Bytes consumed so far; inside `entry()` this is where the entry's stored bytes begin. */
  get offset(): number {
    return this.position;
  }

  /** Bytes that may be left out of the input by calling `skip`, because they are only content or padding. */
  get skippable(): number {
    return this.state === 'body' ? this.remaining + this.paddingAfter : this.state === 'padding' ? this.remaining : 0;
  }

  /** True once the two zero blocks that end an archive were seen; what follows them is ignored. */
  get finished(): boolean {
    return this.state === 'finished';
  }

  /**
   * Bytes that came after the end beyond what is taken of them. Once there are any, the reader of the input stops: it may be endless,
   * and an archive that says it is over is.
   */
  get excess(): number {
    return this.finished ? Math.max(0, this.position - this.endOffset - MAX_TRAILER) : 0;
  }

  /** Takes the next bytes. Throws `archive.*` errors, and whatever the handler throws; the parser is of no use after that. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.state) {
        case 'body':
        case 'padding':
        case 'extended':
          at += this.consume(chunk, at);
          break;
        case 'finished':
          this.position += chunk.length - at;
          return;
        default: {
          if (this.carried === 0 && chunk.length - at >= BLOCK) {
            const block = chunk.subarray(at, at + BLOCK);
            at += BLOCK;
            this.takeBlock(block);
            break;
          }
          const n = Math.min(BLOCK - this.carried, chunk.length - at);
          chunk.copy(this.carry, this.carried, at, at + n);
          this.carried += n;
          at += n;
          if (this.carried === BLOCK) {
            this.carried = 0;
            this.takeBlock(this.carry);
          }
        }
      }
    }
  }

  /** Jumps over bytes that are not given to `write`: at most `skippable`. The handler sees no data for them. */
  skip(bytes: number): void {
    let left = Math.min(bytes, this.skippable);
    while (left > 0) {
      const n = Math.min(left, this.remaining);
      this.position += n;
      this.remaining -= n;
      left -= n;
      if (this.remaining === 0) this.consumed();
    }
  }

  /** Says that the input ended. An archive without its closing zero blocks passes, one cut inside an entry does not. */
  finish(): void {
    if (this.state === 'finished') return;
    const betweenEntries = this.state === 'header' && this.carried === 0;
    // Some writers leave out the padding of the very last member.
    const atPadding = this.state === 'padding' && this.delivering;
    const extendedPending = this.local !== undefined || this.longName !== undefined || this.longLink !== undefined;
    if ((betweenEntries || atPadding) && !extendedPending) return;
    throw truncatedArchive(this.position + this.carried);
  }

  private consume(chunk: Buffer, at: number): number {
    const n = Math.min(this.remaining, chunk.length - at);
    this.position += n;
    this.remaining -= n;
    if (this.state === 'body') this.handler.data(chunk.subarray(at, at + n));
    else if (this.state === 'extended') chunk.copy(this.extended, this.extended.length - this.remaining - n, at, at + n);
    if (this.remaining === 0) this.consumed();
    return n;
  }

  /** The current stretch is complete: on to its padding, or to the next header. */
  private consumed(): void {
    if (this.state === 'body') this.handler.end();
    else if (this.state === 'extended') this.extendedHeader();
    this.remaining = this.state === 'padding' ? 0 : this.paddingAfter;
    this.state = this.remaining > 0 ? 'padding' : 'header';
  }

  private takeBlock(block: Buffer): void {
    this.position += BLOCK;
    if (this.state === 'old-sparse') this.oldSparseBlock(block);
    else if (this.state === 'body-map') this.bodyMapBlock(block);
    else this.headerBlock(block);
  }

  private headerBlock(block: Buffer): void {
    this.headerOffset = this.position - BLOCK;
    if (block[0] === 0 && isZeroBlock(block)) {
      if (++this.zeroBlocks < 2) return;
      this.state = 'finished';
      this.endOffset = this.position;
      return;
    }
    if (this.zeroBlocks > 0) throw invalidArchive(this.headerOffset, 'a single block of zeros between entries');
    const raw = readHeader(block);
    if (typeof raw === 'string') throw invalidArchive(this.headerOffset, raw);
    switch (raw.flag) {
      case 'x':
      case 'X':
      case 'g':
      case 'L':
      case 'K':
        this.beginExtended(raw);
        return;
      case 'V':
      case 'D':
        // A volume label or an incremental backup's directory listing: nothing of it is unpacked.
        this.startBody(raw.size, false);
        return;
      default:
        this.member(raw, block);
    }
  }

  private beginExtended(raw: RawHeader): void {
    if (raw.size > MAX_EXTENDED_HEADER) throw oversizedHeader(this.headerOffset, 'an extended header is too large');
    if (++this.extendedInARow > MAX_EXTENDED_IN_A_ROW) throw oversizedHeader(this.headerOffset, 'too many extended headers in a row');
    this.delivering = false;
    this.extendedFlag = raw.flag;
    this.extended = Buffer.allocUnsafe(raw.size);
    this.state = 'extended';
    this.remaining = raw.size;
    this.paddingAfter = paddingLength(raw.size);
    if (raw.size === 0) this.consumed();
  }

  private extendedHeader(): void {
    const data = this.extended;
    if (this.extendedFlag === 'L' || this.extendedFlag === 'K') {
      const nul = data.indexOf(0);
      const name = decodeName(nul < 0 ? data : data.subarray(0, nul));
      if (this.extendedFlag === 'L') this.longName = name;
      else this.longLink = name;
      return;
    }
    const records = parsePaxRecords(data);
    if (records === undefined) throw invalidArchive(this.headerOffset, 'malformed PAX records');
    if (this.extendedFlag !== 'g') {
      this.local = records;
      return;
    }
    for (const [key, value] of records) {
      this.globalBytes += key.length + value.length - (this.global.get(key)?.length ?? -key.length);
      if (this.globalBytes > MAX_EXTENDED_HEADER) throw oversizedHeader(this.headerOffset, 'global PAX headers are too large');
      if (value.length === 0) this.global.delete(key);
      else this.global.set(key, Buffer.from(value));
      if (this.global.size > MAX_GLOBAL_RECORDS) throw oversizedHeader(this.headerOffset, 'too many global PAX records');
    }
  }

  /** Lays the extended headers over a member's own header, and hands it on or reads its sparse map first. */
  private member(raw: RawHeader, block: Buffer): void {
    const records = this.pendingRecords();
    const over: Overrides = records === undefined ? emptyOverrides : applyPax(records, (what) => invalidArchive(this.headerOffset, what));
    const sparse = records === undefined ? undefined : readPaxSparse(records);
    if (sparse === 'malformed') throw invalidArchive(this.headerOffset, 'malformed sparse map');

    const path = (sparse?.name === undefined ? undefined : decodeName(sparse.name)) ?? this.longName ?? over.path ?? raw.name;
    const link = this.longLink ?? over.link ?? raw.link;
    if (path.includes('\0') || link.includes('\0')) throw invalidArchive(this.headerOffset, 'a name with a NUL byte');
    if (path.length > MAX_PATH) throw nameTooLong(this.headerOffset, path);
    this.local = undefined;
    this.longName = undefined;
    this.longLink = undefined;
    this.extendedInARow = 0;

    let type = TYPES[raw.flag];
    if (type === undefined) throw unsupportedMember(this.headerOffset, `a member of type ${JSON.stringify(raw.flag)}`);
    if (type === 'file' && path.endsWith('/')) type = 'dir';
    const stored = over.size ?? raw.size;
    const entry: TarEntry = {
      path,
      type,
      mode: raw.mode & 0o7777,
      uid: this.owner(over.uid ?? raw.uid),
      gid: this.owner(over.gid ?? raw.gid),
      size: type === 'file' ? stored : 0,
      mtimeNs: over.mtimeNs ?? BigInt(raw.mtime) * 1_000_000_000n,
    };
    if (type === 'link' || type === 'symlink') entry.link = link;
    else if (type === 'char' || type === 'block') {
      entry.major = raw.major;
      entry.minor = raw.minor;
    }
    const uname = over.uname ?? raw.uname;
    const gname = over.gname ?? raw.gname;
    if (uname !== '') entry.uname = uname;
    if (gname !== '') entry.gname = gname;
    if (over.xattrs !== undefined) entry.xattrs = over.xattrs;

    if (raw.flag === 'S') this.oldSparse(entry, stored, block);
    else if (sparse !== undefined && type === 'file') {
      if (sparse.realSize !== undefined) entry.size = sparse.realSize;
      this.sparseEntry = entry;
      this.sparseStored = stored;
      if (sparse.mapInBody) {
        this.bodyMap = new BodyMapReader();
        this.state = 'body-map';
      } else this.startSparse(sparse.extents ?? []);
    } else this.begin(entry, entry.size);
  }

  /** The local records over the global ones. */
  private pendingRecords(): PaxRecords | undefined {
    if (this.global.size === 0) return this.local;
    return [...this.global, ...(this.local ?? [])];
  }

  /** Ids are 32 bits wide; negative ones stand for their two's complement, as in archives of some Unixes. */
  private owner(id: number): number {
    if (id > 0xffff_ffff || id < -0x8000_0000) throw invalidArchive(this.headerOffset, 'impossible owner');
    return id >>> 0;
  }

  private oldSparse(entry: TarEntry, stored: number, block: Buffer): void {
    const realSize = readNumber(block, 483, 12);
    this.extents = [];
    if (realSize === undefined || realSize < 0 || !readOldSparse(block, 386, 4, this.extents))
      throw invalidArchive(this.headerOffset, 'malformed sparse map');
    entry.size = realSize;
    this.sparseEntry = entry;
    this.sparseStored = stored;
    if (block[482] !== 0) this.state = 'old-sparse';
    else this.startSparse(this.extents);
  }

  private oldSparseBlock(block: Buffer): void {
    if (!readOldSparse(block, 0, 21, this.extents)) throw invalidArchive(this.headerOffset, 'malformed sparse map');
    if (this.extents.length > MAX_EXTENTS) throw oversizedHeader(this.headerOffset, 'a sparse map is too large');
    if (block[504] === 0) this.startSparse(this.extents);
  }

  private bodyMapBlock(block: Buffer): void {
    this.sparseStored -= BLOCK;
    const reader = this.bodyMap!;
    const result = this.sparseStored < 0 ? 'malformed' : reader.block(block);
    if (result === 'malformed') throw invalidArchive(this.headerOffset, 'malformed sparse map');
    if (result === 'done') this.startSparse(reader.extents);
  }

  private startSparse(extents: Extent[]): void {
    const entry = this.sparseEntry!;
    if (!isSoundMap(extents, entry.size, this.sparseStored))
      throw invalidArchive(this.headerOffset, 'a sparse map that does not fit its data');
    // Holes cost nothing here and are read, hashed and packed later on.
    this.sparseBytes += entry.size;
    if (this.sparseBytes > unpackLimit(this.position + this.sparseStored)) throw tooMuch(`a sparse file of ${entry.size} bytes`);
    entry.sparse = extents.filter((extent) => extent.length > 0);
    this.extents = [];
    this.sparseEntry = undefined;
    this.bodyMap = undefined;
    this.begin(entry, this.sparseStored);
  }

  private begin(entry: TarEntry, stored: number): void {
    this.handler.entry(entry);
    if (stored === 0) this.handler.end();
    this.startBody(stored, true);
  }

  private startBody(stored: number, deliver: boolean): void {
    this.delivering = deliver;
    this.remaining = stored;
    this.paddingAfter = paddingLength(stored);
    if (stored === 0) this.state = 'header';
    else if (deliver) this.state = 'body';
    else {
      this.state = 'padding';
      this.remaining += this.paddingAfter;
    }
  }
}

function paddingLength(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
