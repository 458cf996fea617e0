// Writes an index: an EROFS image that holds inodes, names and attributes, while the bytes of files stay where they are in a tar, its
// one further device.
import { encodeName, FileType } from '../../sys/index.ts';
import {
  BLOCK_SIZE,
  CHUNK_INDEX_SIZE,
  chunkForm,
  FILE_TYPE,
  DIRENT_SIZE,
  INODE_SIZE,
  Layout,
  METADATA_START,
  putChunkIndex,
  putDirent,
  putInode,
  putSuperblock,
  putXattrs,
  roundUp,
  SLOT,
  xattrsSize,
} from './format.ts';
import type { Node } from './tree.ts';

/** A name in a directory, as bytes. */
interface Name {
  readonly bytes: Buffer;
  readonly inode: Inode;
}

interface Inode {
  readonly node: Node;
  readonly number: number;
  readonly xattrBytes: number;
  links: number;
  /** Of a directory: what stands in each of its blocks. */
  names: readonly (readonly Name[])[];
  /** Bytes of what the index itself holds for it: the names of a directory, the target of a link. */
  size: number;
  /** How many of them stand right behind the inode: those that fill no block. */
  tail: number;
  /** Where it begins, and where its blocks do, in bytes. */
  at: number;
  blocksAt: number;
}

/** The index of `root` over a tar of `tarSize` bytes. */
export function writeIndex(root: Node, tarSize: number): Buffer {
  const inodes = collect(root);
  let end = METADATA_START;
  for (const inode of inodes) {
    const length = INODE_SIZE + behind(inode);
    // a tail must not reach into another block
    if (inode.tail > 0 && (end % BLOCK_SIZE) + length > BLOCK_SIZE) end = roundUp(end, BLOCK_SIZE);
    inode.at = end;
    end = roundUp(end + length, SLOT);
  }
  end = roundUp(end, BLOCK_SIZE);
  for (const inode of inodes) {
    inode.blocksAt = end;
    end += roundUp(inode.size - inode.tail, BLOCK_SIZE);
  }
  const out = Buffer.alloc(end);
  putSuperblock(out, { root: inodes[0]!.at / SLOT, inodes: inodes.length, size: end, deviceSize: tarSize });
  for (const inode of inodes) put(out, inode);
  return out;
}

/** All inodes, a directory before what is in it; the root is the first. */
function collect(root: Node): Inode[] {
  const inodes: Inode[] = [];
  const byNode = new Map<Node, Inode>();
  const inodeOf = (node: Node): Inode => {
    let inode = byNode.get(node);
    if (inode === undefined) {
      const size = node.target?.length ?? 0;
      inode = {
        node,
        number: inodes.length + 1,
        xattrBytes: xattrsSize(node.xattrs),
        links: 0,
        names: [],
        size,
        tail: 0,
        at: 0,
        blocksAt: 0,
      };
      inode.tail = tailOf(inode);
      inodes.push(inode);
      byNode.set(node, inode);
    }
    inode.links++;
    return inode;
  };
  const directories: (readonly [directory: Inode, parent: Inode])[] = [];
  const top = inodeOf(root);
  directories.push([top, top]);
  for (const [directory, parent] of directories) {
    directory.links++;
    if (parent !== directory) parent.links++;
    const names: Name[] = [
      { bytes: Buffer.from('.'), inode: directory },
      { bytes: Buffer.from('..'), inode: parent },
    ];
    for (const [name, child] of directory.node.children!) {
      const inode = inodeOf(child);
      names.push({ bytes: encodeName(name), inode });
      if (child.children !== undefined) directories.push([inode, directory]);
    }
    names.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    directory.names = inBlocks(names);
    directory.size = (directory.names.length - 1) * BLOCK_SIZE + room(directory.names.at(-1)!);
    directory.tail = tailOf(directory);
  }
  return inodes;
}

const room = (names: readonly Name[]): number => names.reduce((sum, { bytes }) => sum + DIRENT_SIZE + bytes.length, 0);

function inBlocks(names: readonly Name[]): Name[][] {
  const blocks: Name[][] = [];
  let left = 0;
  for (const name of names) {
    const needed = DIRENT_SIZE + name.bytes.length;
    if (needed > left) {
      blocks.push([]);
      left = BLOCK_SIZE;
    }
    blocks.at(-1)!.push(name);
    left -= needed;
  }
  return blocks;
}

/** What fills no block stands behind the inode, where that is within one block. */
function tailOf({ size, xattrBytes }: Inode): number {
  const rest = size % BLOCK_SIZE;
  return INODE_SIZE + xattrBytes + rest <= BLOCK_SIZE ? rest : 0;
}

/** Bytes between an inode and the next. */
function behind({ node, xattrBytes, tail }: Inode): number {
  return hasData(node) ? roundUp(xattrBytes, CHUNK_INDEX_SIZE) + CHUNK_INDEX_SIZE : xattrBytes + tail;
}

const hasData = (node: Node): node is Node & { data: { offset: number; size: number } } => node.data !== undefined && node.data.size > 0;

function put(out: Buffer, inode: Inode): void {
  const { node, number, xattrBytes, links, tail, at, blocksAt } = inode;
  let size = inode.size;
  let layout: number = tail > 0 ? Layout.inline : Layout.plain;
  let place = node.device ?? (size > tail ? blocksAt / BLOCK_SIZE : 0);
  const end = at + INODE_SIZE + xattrBytes;
  if (hasData(node)) {
    // one chunk holds the whole file
    place = chunkForm(node.data.size);
    layout = Layout.chunks;
    size = node.data.size;
    putChunkIndex(out, roundUp(end, CHUNK_INDEX_SIZE), node.data.offset);
  }
  const { mode, uid, gid, mtimeNs } = node;
  putInode(out, at, { layout, xattrBytes, mode, size, place, number, uid, gid, mtimeNs, links });
  if (node.xattrs !== undefined) putXattrs(out, at + INODE_SIZE, node.xattrs);
  const content = node.target ?? directoryBlocks(inode);
  const whole = content.length - tail;
  content.copy(out, blocksAt, 0, whole);
  content.copy(out, end, whole);
}

function directoryBlocks({ names, size }: Inode): Buffer {
  const out = Buffer.alloc(size);
  names.forEach((block, i) => {
    let nameAt = block.length * DIRENT_SIZE;
    block.forEach(({ bytes, inode }, n) => {
      const start = i * BLOCK_SIZE;
      putDirent(out, start + n * DIRENT_SIZE, inode.at / SLOT, nameAt, FILE_TYPE[inode.node.mode & FileType.S_IFMT]!);
      bytes.copy(out, start + nameAt);
      nameAt += bytes.length;
    });
  });
  return out;
}
