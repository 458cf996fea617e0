// EROFS on disk, as much of it as an index over tars needs: superblock, device table, extended inodes, directory blocks, extended
// attributes and chunk indexes (Linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h). All numbers are little-endian.

/** The smallest block there is, and that of a tar: what stands in a tar begins on one. */
const BLOCK_BITS = 9;
export const BLOCK_SIZE = 1 << BLOCK_BITS;

/** Inodes are named by where they begin, in these units. */
export const SLOT = 32;
const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK_SIZE = 128;
const DEVICE_SLOT = 128;
const DEVICES_OFFSET = SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE;

const MAGIC = 0xe0f5e1e2;
/** Times of inodes are those of their last change. */
const COMPAT_MTIME = 0x2;
const INCOMPAT_CHUNKED_FILE = 0x4;
const INCOMPAT_DEVICE_TABLE = 0x8;

export const INODE_SIZE = 64;
export const DIRENT_SIZE = 12;
/** A chunk's place: device and first block. */
export const CHUNK_INDEX_SIZE = 8;
const XATTR_HEADER = 12;
const XATTR_ENTRY = 4;
/** The kernel's own bound on a list of attributes (limits.h, XATTR_LIST_MAX), which an inode's count in units of four bytes holds easily. */
export const MAX_XATTRS = 1 << 16;

/** How an inode says where its data is. */
export const Layout = { plain: 0, inline: 2, chunks: 4 } as const;

const CHUNK_INDEXES = 0x20;

/** The type of a directory entry, by the bits of its mode that say the type. */
export const FILE_TYPE: Readonly<Record<number, number>> = {
  0o100000: 1,
  0o040000: 2,
  0o020000: 3,
  0o060000: 4,
  0o010000: 5,
  0o120000: 7,
};

export const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** Where inodes begin: behind the superblock and the slot of one further device. */
export const METADATA_START = roundUp(DEVICES_OFFSET + DEVICE_SLOT, SLOT);

export interface Superblock {
  /** The root's inode, in units of `SLOT`. */
  readonly root: number;
  readonly inodes: number;
  /** Bytes of the index. */
  readonly size: number;
  /** Bytes of the further device. */
  readonly deviceSize: number;
}

export function putSuperblock(out: Buffer, s: Superblock): void {
  const at = SUPERBLOCK_OFFSET;
  out.writeUInt32LE(MAGIC, at);
  out.writeUInt32LE(COMPAT_MTIME, at + 8);
  out.writeUInt8(BLOCK_BITS, at + 12);
  out.writeUInt16LE(s.root, at + 14);
  out.writeBigUInt64LE(BigInt(s.inodes), at + 16);
  out.writeUInt32LE(s.size / BLOCK_SIZE, at + 36);
  out.writeUInt32LE(INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE, at + 80);
  out.writeUInt16LE(1, at + 86);
  out.writeUInt16LE(DEVICES_OFFSET / DEVICE_SLOT, at + 88);
  out.writeUInt32LE(Math.ceil(s.deviceSize / BLOCK_SIZE), DEVICES_OFFSET + 64);
}

export interface InodeFields {
  readonly layout: number;
  readonly xattrBytes: number;
  readonly mode: number;
  readonly size: number;
  /** What the layout needs: first block, device number or form of the chunks. */
  readonly place: number;
  readonly number: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since the epoch. */
  readonly mtimeNs: bigint;
  readonly links: number;
}

export function putInode(out: Buffer, at: number, i: InodeFields): void {
  out.writeUInt16LE(1 | (i.layout << 1), at);
  out.writeUInt16LE(i.xattrBytes === 0 ? 0 : (i.xattrBytes - XATTR_HEADER) / 4 + 1, at + 2);
  out.writeUInt16LE(i.mode, at + 4);
  out.writeUIntLE(i.size % 2 ** 32, at + 8, 4);
  out.writeUIntLE(Math.floor(i.size / 2 ** 32), at + 12, 4);
  out.writeUInt32LE(i.place, at + 16);
  out.writeUInt32LE(i.number, at + 20);
  out.writeUInt32LE(i.uid, at + 24);
  out.writeUInt32LE(i.gid, at + 28);
  const nanoseconds = ((i.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  out.writeBigInt64LE((i.mtimeNs - nanoseconds) / 1_000_000_000n, at + 32);
  out.writeUInt32LE(Number(nanoseconds), at + 40);
  out.writeUInt32LE(i.links, at + 44);
}

/** The form of chunks so large that one holds a file of `size` bytes: 2^n blocks. */
export const chunkForm = (size: number): number => CHUNK_INDEXES | Math.ceil(Math.log2(Math.ceil(size / BLOCK_SIZE)));

/** A chunk that begins at the byte `offset` of the further device. */
export function putChunkIndex(out: Buffer, at: number, offset: number): void {
  out.writeUInt16LE(1, at + 2);
  out.writeUInt32LE(offset / BLOCK_SIZE, at + 4);
}

/** An entry of a directory, whose name stands at `nameAt` of the same block. */
export function putDirent(out: Buffer, at: number, inode: number, nameAt: number, type: number): void {
  out.writeUIntLE(inode, at, 6);
  out.writeUInt16LE(nameAt, at + 8);
  out.writeUInt8(type, at + 10);
}

/** As inodes and directories of the kernel hold device numbers (linux/kdev_t.h, new_encode_dev). */
export const encodeDevice = (major: number, minor: number): number => ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;

/** The kinds of attributes, by what their names begin with; the first that fits counts. */
const XATTR_KINDS: readonly (readonly [prefix: string, kind: number])[] = [
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
];

/** Undefined where EROFS has no place for an attribute of this name. */
export function xattrName(name: string): { kind: number; rest: Buffer } | undefined {
  for (const [prefix, kind] of XATTR_KINDS) if (name.startsWith(prefix)) return { kind, rest: Buffer.from(name.slice(prefix.length)) };
  return undefined;
}

/** Bytes of an inode's attributes: 0 when there are none. */
export function xattrsSize(xattrs: ReadonlyMap<string, Buffer> | undefined): number {
  if (xattrs === undefined || xattrs.size === 0) return 0;
  let size = XATTR_HEADER;
  for (const [name, value] of xattrs) size += roundUp(XATTR_ENTRY + xattrName(name)!.rest.length + value.length, 4);
  return size;
}

export function putXattrs(out: Buffer, start: number, xattrs: ReadonlyMap<string, Buffer>): void {
  let at = start + XATTR_HEADER;
  for (const [name, value] of xattrs) {
    const { kind, rest } = xattrName(name)!;
    out.writeUInt8(rest.length, at);
    out.writeUInt8(kind, at + 1);
    out.writeUInt16LE(value.length, at + 2);
    rest.copy(out, at + XATTR_ENTRY);
    value.copy(out, at + XATTR_ENTRY + rest.length);
    at += roundUp(XATTR_ENTRY + rest.length + value.length, 4);
  }
}
