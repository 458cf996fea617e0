// rtnetlink(7): requests to the kernel's network configuration, without a process. Building and reading the parts of a
// message is here too; what the messages mean is known to those who send them.
import { closeSync, readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { bind, check, systemError } from './native.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER = 16;
const LONGEST_REPLY = 64 * 1024;

const cSocket = bind('int socket(int domain, int type, int protocol)');

export interface NetlinkMessage {
  /** RTM_… */
  readonly type: number;
  /** NLM_F_… beyond those of a request. */
  readonly flags?: number;
  /** The family header with its attributes. */
  readonly payload: Uint8Array;
}

/** One attribute (struct nlattr): a number is 32 bits wide, a string ends with a zero, a list is nested. */
export function netlinkAttribute(type: number, value: Uint8Array | string | number | readonly Uint8Array[]): Buffer {
  const data =
    typeof value === 'number'
      ? uint32(value)
      : typeof value === 'string'
        ? Buffer.from(`${value}\0`)
        : value instanceof Uint8Array
          ? value
          : Buffer.concat(value);
  const attribute = Buffer.alloc(align(4 + data.length));
  attribute.writeUInt16LE(4 + data.length, 0);
  attribute.writeUInt16LE(type, 2);
  attribute.set(data, 4);
  return attribute;
}

/**
 * A socket to the kernel in the network namespace that the thread is in when it is made; it stays with that one. Calls are
 * synchronous: the kernel answers at once.
 */
export class RouteSocket {
  readonly #fd: number;
  #sequence = 0;

  constructor() {
    if (endianness() !== 'LE') throw new Error('netlink: only little-endian machines are supported');
    this.#fd = check(cSocket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE), 'socket');
  }

  /** Sends one request and returns the payloads of the answers. Throws a system error with the kernel's code. */
  request(message: NetlinkMessage): Buffer[] {
    const sequence = ++this.#sequence;
    const bytes = Buffer.alloc(HEADER + message.payload.length);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt16LE(message.type, 4);
    bytes.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | (message.flags ?? 0), 6);
    bytes.writeUInt32LE(sequence, 8);
    bytes.set(message.payload, HEADER);
    writeSync(this.#fd, bytes);
    return this.#answers(sequence);
  }

  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #answers(sequence: number): Buffer[] {
    const answers: Buffer[] = [];
    for (;;) {
      const buffer = Buffer.alloc(LONGEST_REPLY);
      const end = readSync(this.#fd, buffer);
      for (let at = 0; at + HEADER <= end;) {
        const length = buffer.readUInt32LE(at);
        const type = buffer.readUInt16LE(at + 4);
        const payload = buffer.subarray(at + HEADER, at + length);
        const ours = buffer.readUInt32LE(at + 8) === sequence;
        at += align(length);
        if (!ours) continue;
        if (type === NLMSG_DONE) return answers;
        if (type === NLMSG_ERROR) {
          const code = -payload.readInt32LE(0);
          if (code !== 0) throw systemError('netlink', undefined, code);
          return answers;
        }
        answers.push(payload);
      }
    }
  }
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function uint32(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value >>> 0);
  return data;
}
