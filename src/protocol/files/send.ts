// The sending role of fsutil's DiffCopy (send.go): lists everything, and sends the content of the files that the other side asks for.
import { closeSync, read as readAt, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { readTarIndex, type TarEntry } from '../../archive/index.ts';
import { RootedTree } from '../../sys/index.ts';
import { Packet_PacketType } from '../gen/wire_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import type { PacketPipe } from './receive.ts';
import { cleanPath, statOf } from './stat.ts';

/** Bytes of content in a packet. */
const CHUNK = 32 << 10;

const readFile = promisify(readAt);

/** As fsutil walks a folder: word by word, so that what is in a folder follows it. */
function byPath(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = '', y = ''] = [left[i], right[i]];
    if (x !== y) return Buffer.compare(Buffer.from(x), Buffer.from(y));
  }
  return left.length - right.length;
}

/** Something to be sent, and how its content is read, if it has any. */
interface Sent {
  readonly entry: TarEntry;
  read?(buffer: Buffer, at: number): Promise<number>;
}

/** Sends the members of an uncompressed tar as files. @param fd the open archive @throws GrpcError when the other side fails */
export async function sendTarFile(pipe: PacketPipe, fd: number): Promise<void> {
  // the last one of a name is what counts, as for whoever unpacks it
  const byName = new Map([...readTarIndex(fd)].map((m) => [cleanPath(m.entry.path), m]));
  byName.delete('');
  const list = [...byName.entries()]
    .sort(([a], [b]) => byPath(a, b))
    .map(([, { entry, dataOffset }]): Sent => {
      if (entry.sparse !== undefined) throw new GrpcError(Code.unimplemented, `${entry.path} is sparse`);
      const read = async (buffer: Buffer, at: number): Promise<number> =>
        (await readFile(fd, buffer, 0, Math.min(buffer.length, entry.size - at), dataOffset + at)).bytesRead;
      return { entry, ...(entry.type === 'file' && { read }) };
    });
  await send(pipe, list);
}

/**
 * Sends a folder: what `accepts` takes, and the folders above it. Links are sent as links; owners are left behind, as Docker's client does.
 * @throws GrpcError when the other side fails
 */
export async function sendFolder(
  pipe: PacketPipe,
  root: string,
  accepts: (path: string, isDirectory: boolean) => 'yes' | 'below' | 'no',
): Promise<void> {
  using tree = new RootedTree(root);
  const list: Sent[] = [];
  const walk = (path: string): boolean => {
    let any = false;
    using folder = tree.directory(path);
    for (const name of folder.list()) {
      const stats = folder.stat(name);
      if (stats === undefined) continue;
      const inside = path === '' ? name : `${path}/${name}`;
      const verdict = accepts(inside, stats.isDirectory());
      const sent = verdict === 'no' ? undefined : describe(tree, inside, stats);
      if (sent === undefined) continue;
      const at = list.push(sent);
      const below = stats.isDirectory() && walk(inside);
      if (verdict === 'yes' || below) any = true;
      else list.length = at - 1;
    }
    return any;
  };
  walk('');
  await send(
    pipe,
    list.sort((a, b) => byPath(a.entry.path, b.entry.path)),
  );
}

function describe(tree: RootedTree, path: string, stats: Stats): Sent | undefined {
  const type = stats.isDirectory()
    ? 'dir'
    : stats.isFile()
      ? 'file'
      : stats.isSymbolicLink()
        ? 'symlink'
        : stats.isFIFO()
          ? 'fifo'
          : undefined;
  if (type === undefined) return undefined; // devices and sockets are nothing that a build copies
  const entry: TarEntry = {
    path,
    type,
    mode: stats.mode & 0o7777,
    uid: 0,
    gid: 0,
    size: type === 'file' ? stats.size : 0,
    mtimeNs: BigInt(Math.trunc(stats.mtimeMs)) * 1_000_000n,
    ...(type === 'symlink' && { link: tree.readLink(path) ?? '' }),
  };
  if (type !== 'file') return { entry };
  let fd: number | undefined;
  const read = async (buffer: Buffer, at: number): Promise<number> => {
    fd ??= tree.openFile(path);
    const { bytesRead } = await readFile(fd, buffer, 0, Math.min(buffer.length, entry.size - at), at);
    if (at + bytesRead >= entry.size || bytesRead === 0) {
      closeSync(fd);
      fd = undefined;
    }
    return bytesRead;
  };
  return { entry, read };
}

async function send(pipe: PacketPipe, list: readonly Sent[]): Promise<void> {
  const listing = (async () => {
    for (const { entry } of list) await pipe.send({ type: Packet_PacketType.PACKET_STAT, stat: statOf(entry) });
    await pipe.send({ type: Packet_PacketType.PACKET_STAT });
  })();
  listing.catch(() => {}); // told below
  /** One after the other, in the order of the questions. */
  let sending: Promise<void> = listing;
  // the call is the caller's: it goes on behind the last packet
  const packets = pipe.replies[Symbol.asyncIterator]();
  for (let next = await packets.next(); next.done !== true; next = await packets.next()) {
    const { type, ID, data } = next.value;
    if (type === Packet_PacketType.PACKET_ERR) throw new GrpcError(Code.unknown, Buffer.from(data).toString());
    if (type === Packet_PacketType.PACKET_REQ) {
      const one = list[ID];
      if (one?.read === undefined) throw new GrpcError(Code.invalidArgument, `there is no file ${ID}`);
      sending = sending.then(() => sendContent(pipe, ID, one));
      sending.catch(() => {}); // told below
    } else if (type === Packet_PacketType.PACKET_FIN) {
      await sending;
      await pipe.send({ type: Packet_PacketType.PACKET_FIN });
      // the other side may wait for the end of the call before it ends its own half
      return pipe.end();
    }
  }
  await sending;
}

async function sendContent(pipe: PacketPipe, ID: number, { entry, read }: Sent): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let done = 0; done < entry.size;) {
    const n = (await read?.(buffer, done)) ?? 0;
    if (n === 0) throw new GrpcError(Code.aborted, `${entry.path} was changed while it was sent`);
    await pipe.send({ type: Packet_PacketType.PACKET_DATA, ID, data: new Uint8Array(buffer.subarray(0, n)) });
    done += n;
  }
  await pipe.send({ type: Packet_PacketType.PACKET_DATA, ID });
}
