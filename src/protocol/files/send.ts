// The sending role of fsutil's DiffCopy (send.go): lists everything, and sends the content of the files that the other side asks for.
import { read as readAt } from 'node:fs';
import { promisify } from 'node:util';
import { type IndexedEntry, readTarIndex } from '../../archive/index.ts';
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

/** Sends the members of an uncompressed tar as files. @param fd the open archive @throws GrpcError when the other side fails */
export async function sendTarFile(pipe: PacketPipe, fd: number): Promise<void> {
  // the last one of a name is what counts, as for whoever unpacks it
  const byName = new Map([...readTarIndex(fd)].map((m) => [cleanPath(m.entry.path), m]));
  byName.delete('');
  const list = [...byName.entries()].sort(([a], [b]) => byPath(a, b)).map(([, entry]) => entry);
  const listing = (async () => {
    for (const { entry } of list) await pipe.send({ type: Packet_PacketType.PACKET_STAT, stat: statOf(entry) });
    await pipe.send({ type: Packet_PacketType.PACKET_STAT });
  })();
  listing.catch(() => {}); // told below
  /** One after the other, in the order of the questions. */
  let sending: Promise<void> = listing;
  for await (const { type, ID, data } of pipe.replies) {
    if (type === Packet_PacketType.PACKET_ERR) throw new GrpcError(Code.unknown, Buffer.from(data).toString());
    if (type === Packet_PacketType.PACKET_REQ) {
      const member = list[ID];
      if (member?.entry.type !== 'file') throw new GrpcError(Code.invalidArgument, `there is no file ${ID}`);
      sending = sending.then(() => sendContent(pipe, fd, ID, member));
      sending.catch(() => {}); // told below
    } else if (type === Packet_PacketType.PACKET_FIN) {
      await sending;
      await pipe.send({ type: Packet_PacketType.PACKET_FIN });
      pipe.end();
    }
  }
  await sending;
}

async function sendContent(pipe: PacketPipe, fd: number, ID: number, { dataOffset, storedSize, entry }: IndexedEntry): Promise<void> {
  if (entry.sparse !== undefined) throw new GrpcError(Code.unimplemented, `${entry.path} is sparse`);
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let done = 0; done < storedSize;) {
    const { bytesRead } = await readFile(fd, buffer, 0, Math.min(CHUNK, storedSize - done), dataOffset + done);
    if (bytesRead === 0) throw new GrpcError(Code.internal, 'the archive is cut off');
    await pipe.send({ type: Packet_PacketType.PACKET_DATA, ID, data: new Uint8Array(buffer.subarray(0, bytesRead)) });
    done += bytesRead;
  }
  await pipe.send({ type: Packet_PacketType.PACKET_DATA, ID });
}
