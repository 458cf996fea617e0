// The receiving role of fsutil's DiffCopy (receive.go): a folder comes as a list of what is in it, and the content of each file when it
// is asked for. What is made of it is a tar.
import { encodeHeader, END_OF_ARCHIVE, padding } from '../../archive/index.ts';
import { type Packet, Packet_PacketType } from '../gen/wire_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import { entryOf, hasContent } from './stat.ts';

/** What packets are sent and received by. */
export interface PacketPipe {
  send(packet: Partial<Omit<Packet, '$typeName' | '$unknown'>>): Promise<void>;
  readonly replies: AsyncIterable<Packet>;
  /** No more packets from here. */
  end(): void;
}

/** Files that are asked for before their turn, and the bytes of them: what a folder of small files needs to come without a pause for each. */
const AHEAD = 64;
const AHEAD_BYTES = 4 << 20;
/** Entries of a folder. */
const MOST_ENTRIES = 5_000_000;

interface Wanted {
  readonly id: number;
  readonly size: number;
  readonly pieces: Uint8Array[];
  received: number;
  done: boolean;
}

/**
 * The tar of the folder that is sent, piece by piece.
 * @throws GrpcError when the other side fails, or sends what it did not announce
 */
export async function* receiveTar(pipe: PacketPipe): AsyncGenerator<Buffer> {
  const packets = pipe.replies[Symbol.asyncIterator]();
  const next = async (): Promise<Packet> => {
    const { done, value } = await packets.next();
    if (done === true) throw new GrpcError(Code.unavailable, 'the folder was not sent to its end');
    if (value.type === Packet_PacketType.PACKET_ERR) throw new GrpcError(Code.unknown, Buffer.from(value.data).toString());
    return value;
  };
  const list = await receiveList(next);
  const queue: Wanted[] = [];
  const open = new Map<number, Wanted>();
  let asked = 0;
  let ahead = 0;
  /** Asks for files up to the one whose turn it is, and some after it. */
  const ask = async (upTo: number): Promise<void> => {
    while (asked < list.length && (asked <= upTo || (queue.length < AHEAD && ahead < AHEAD_BYTES))) {
      const id = asked++;
      const stat = list[id];
      if (stat === undefined || !hasContent(stat)) continue;
      const wanted: Wanted = { id, size: Number(stat.size), pieces: [], received: 0, done: false };
      queue.push(wanted);
      open.set(id, wanted);
      ahead += wanted.size;
      await pipe.send({ type: Packet_PacketType.PACKET_REQ, ID: id });
    }
  };
  const take = (packet: Packet): void => {
    if (packet.type !== Packet_PacketType.PACKET_DATA) throw new GrpcError(Code.internal, `unexpected packet ${packet.type}`);
    const wanted = open.get(packet.ID);
    if (wanted === undefined) throw new GrpcError(Code.invalidArgument, `content of a file came that nobody asked for: ${packet.ID}`);
    if (packet.data.length === 0) {
      wanted.done = true;
      open.delete(wanted.id);
      return;
    }
    wanted.received += packet.data.length;
    if (wanted.received > wanted.size) throw changed(list[wanted.id]?.path);
    wanted.pieces.push(packet.data);
  };
  for (const [id, stat] of list.entries()) {
    const entry = entryOf(stat);
    if (entry === undefined) continue;
    yield encodeHeader(entry);
    if (entry.type !== 'file') continue;
    await ask(id);
    const wanted = queue.shift();
    if (wanted?.id !== id) throw new GrpcError(Code.internal, 'files were asked for in another order');
    for (;;) {
      for (const piece of wanted.pieces.splice(0)) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      if (wanted.done) break;
      take(await next());
    }
    ahead -= wanted.size;
    if (wanted.received !== wanted.size) throw changed(stat.path);
    yield padding(wanted.size);
  }
  yield END_OF_ARCHIVE;
  await pipe.send({ type: Packet_PacketType.PACKET_FIN });
  while ((await next()).type !== Packet_PacketType.PACKET_FIN);
  pipe.end();
  // the call is over when the other side says so
  while ((await packets.next()).done !== true);
}

async function receiveList(next: () => Promise<Packet>): Promise<NonNullable<Packet['stat']>[]> {
  const list: NonNullable<Packet['stat']>[] = [];
  for (;;) {
    const { type, stat } = await next();
    if (type !== Packet_PacketType.PACKET_STAT) throw new GrpcError(Code.internal, `unexpected packet ${type}`);
    if (stat === undefined) return list;
    if (list.length >= MOST_ENTRIES) throw new GrpcError(Code.resourceExhausted, `the folder has more than ${MOST_ENTRIES} files`);
    list.push(stat);
  }
}

const changed = (path = ''): GrpcError => new GrpcError(Code.aborted, `${path} was changed while it was sent`);
