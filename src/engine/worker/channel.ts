// A pipe between two processes of ours: messages as structured clones with their length before them, questions with answers, and
// streams of bytes that are sent no faster than they are read. Both ends are of the same version: nothing of this is a protocol for others.
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deserialize, serialize } from 'node:v8';
import { SlipwayError } from '../../model/index.ts';
import { type ErrorData, errorData, errorFrom } from './error-data.ts';

/** What the ends of a channel say to each other, beside what whoever uses it has to say. */
type Wire<T> =
  | { readonly type: 'message'; readonly message: T }
  | { readonly type: 'ask'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly id: number; readonly error: ErrorData }
  /** Bytes of a stream, its end, and that the bytes will not come. */
  | { readonly type: 'chunk'; readonly stream: number; readonly data: Uint8Array }
  | { readonly type: 'end'; readonly stream: number }
  | { readonly type: 'broken'; readonly stream: number; readonly error: ErrorData }
  /** Of whoever reads a stream: so many bytes were taken, all was taken, no more is wanted. */
  | { readonly type: 'credit'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'taken'; readonly stream: number }
  | { readonly type: 'stop'; readonly stream: number; readonly error?: ErrorData };

/** Bytes. */
const LARGEST_FRAME = 64 << 20;
/** Bytes of a stream that may be on their way. */
const WINDOW = 1 << 20;
const CHUNK = 128 << 10;

interface Sending {
  credit: number;
  more: () => void;
  taken: () => void;
  stopped: (e: Error | undefined) => void;
}

export interface ChannelOptions<T> {
  /** Takes whole frames, in order. */
  write(frame: Buffer): void;
  onMessage(message: T): void;
  /** Answers what the other end asks. */
  onAsk(method: string, args: readonly unknown[]): Promise<unknown>;
}

export class Channel<Out, In> {
  readonly #o: ChannelOptions<In>;
  readonly #asked = new Map<number, { resolve: (value: unknown) => void; reject: (e: Error) => void }>();
  readonly #sending = new Map<number, Sending>();
  readonly #receiving = new Map<number, { push(chunk: Buffer): void; end(): void; fail(e: Error): void }>();
  /** Credit of streams whose sending end is yet to be made here. */
  readonly #early = new Map<number, number>();
  /** How streams ended, whole or not, of which the receiving end is yet to be made here: without a byte, that can be before anybody reads. */
  readonly #earlyEnds = new Map<number, Error | undefined>();
  #next = 1;
  #over: Error | undefined;

  constructor(o: ChannelOptions<In>) {
    this.#o = o;
  }

  send(message: Out): void {
    this.#write({ type: 'message', message });
  }

  /** @throws what the other end answers with; the reason of `end` */
  ask(method: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#over) return Promise.reject(this.#over);
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#write({ type: 'ask', id, method, args });
    return answer;
  }

  /** A number for a stream, by which the end that did not choose it sends or receives. */
  reserve(): number {
    return this.#next++;
  }

  /** Sends all of a stream. It resolves when the other end has taken it. @throws the stream's error, the other end's, or that it wants no more */
  async pump(stream: number, from: Readable): Promise<void> {
    await pipeline(from, this.writable(stream));
  }

  /** Takes what goes to the other end; it has finished when that has taken all. */
  writable(stream: number): Writable {
    const sending: Sending = {
      credit: this.#early.get(stream) ?? 0,
      more: () => {},
      taken: () => {},
      stopped: (e) => out.destroy(e),
    };
    this.#early.delete(stream);
    this.#sending.set(stream, sending);
    const out = new Writable({
      highWaterMark: CHUNK,
      write: (chunk: Buffer, _encoding, done) => {
        const rest = (at: number): void => {
          let from = at;
          while (from < chunk.length && sending.credit > 0) {
            const data = chunk.subarray(from, from + Math.min(CHUNK, sending.credit));
            sending.credit -= data.length;
            from += data.length;
            this.#write({ type: 'chunk', stream, data });
          }
          sending.more = from < chunk.length ? () => rest(from) : () => {};
          if (from === chunk.length) done();
        };
        rest(0);
      },
      final: (done) => {
        sending.taken = done;
        this.#write({ type: 'end', stream });
      },
      destroy: (e, done) => {
        if (this.#sending.delete(stream) && e !== null) this.#write({ type: 'broken', stream, error: errorData(e) });
        done(e);
      },
    });
    return out;
  }

  /**
   * What comes from the other end.
   * @param confirm says that it was taken when it has been read; else `taken` is for the caller to call
   */
  readable(stream: number, { confirm }: { readonly confirm: boolean }): Readable {
    const waiting: Buffer[] = [];
    let wanted = false;
    let whole = false;
    const flush = (): void => {
      while (wanted && waiting.length > 0) {
        const chunk = waiting.shift()!;
        wanted = input.push(chunk);
        // credit is given back for what was read, and not for what has arrived
        this.#write({ type: 'credit', stream, bytes: chunk.length });
      }
      if (whole && wanted && waiting.length === 0) input.push(null);
    };
    const input = new Readable({
      highWaterMark: CHUNK,
      read: () => {
        wanted = true;
        flush();
      },
      destroy: (e, done) => {
        if (this.#receiving.delete(stream) && !whole) this.#write({ type: 'stop', stream, ...(e && { error: errorData(e) }) });
        else if (whole && confirm && e === null) this.taken(stream);
        done(e);
      },
    });
    this.#receiving.set(stream, {
      push: (chunk) => {
        waiting.push(chunk);
        flush();
      },
      end: () => {
        whole = true;
        flush();
      },
      fail: (e) => {
        whole = true;
        input.destroy(e);
      },
    });
    if (this.#earlyEnds.has(stream)) this.#ended(stream, this.#earlyEnds.get(stream));
    else this.#write({ type: 'credit', stream, bytes: WINDOW });
    this.#earlyEnds.delete(stream);
    return input;
  }

  /** Tells the other end that what it sent has arrived where it was to go. */
  taken(stream: number): void {
    this.#write({ type: 'taken', stream });
  }

  /** Fails what is still under way. */
  end(reason: Error): void {
    this.#over ??= reason;
    for (const { reject } of this.#asked.values()) reject(reason);
    for (const { stopped } of this.#sending.values()) stopped(reason);
    for (const { fail } of this.#receiving.values()) fail(reason);
    this.#asked.clear();
  }

  /** Reads frames until the input ends. @throws data-loss `worker.frame`; errors of the stream */
  async read(input: AsyncIterable<Buffer>): Promise<void> {
    let pending: Buffer[] = [];
    let size = 0;
    for await (const chunk of input) {
      pending.push(chunk);
      size += chunk.length;
      for (;;) {
        if (size < 4) break;
        if (pending[0]!.length < 4) pending = [Buffer.concat(pending)];
        const length = pending[0]!.readUInt32BE();
        if (length > LARGEST_FRAME) throw new SlipwayError('data-loss', 'worker.frame', `a message of ${length} bytes is none of ours`);
        if (size < 4 + length) break;
        const all = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
        this.#received(deserialize(all.subarray(4, 4 + length)) as Wire<In>);
        const rest = all.subarray(4 + length);
        pending = rest.length === 0 ? [] : [rest];
        size = rest.length;
      }
    }
  }

  #received(w: Wire<In>): void {
    switch (w.type) {
      case 'message':
        return this.#o.onMessage(w.message);
      case 'ask':
        return void this.#o.onAsk(w.method, w.args).then(
          (value) => this.#write({ type: 'answer', id: w.id, value }),
          (e: unknown) => this.#write({ type: 'refusal', id: w.id, error: errorData(e) }),
        );
      case 'answer':
        return this.#settle(w.id)?.resolve(w.value);
      case 'refusal':
        return this.#settle(w.id)?.reject(errorFrom(w.error));
      case 'chunk':
        return this.#receiving.get(w.stream)?.push(Buffer.from(w.data));
      case 'end':
        return this.#ended(w.stream, undefined);
      case 'broken':
        return this.#ended(w.stream, errorFrom(w.error));
      case 'credit': {
        const sending = this.#sending.get(w.stream);
        if (sending === undefined) return void this.#early.set(w.stream, (this.#early.get(w.stream) ?? 0) + w.bytes);
        sending.credit += w.bytes;
        return sending.more();
      }
      case 'taken':
        return this.#sending.get(w.stream)?.taken();
      case 'stop': {
        const sending = this.#sending.get(w.stream);
        this.#sending.delete(w.stream);
        return sending?.stopped(w.error && errorFrom(w.error));
      }
      default:
        w satisfies never;
    }
  }

  #ended(stream: number, error: Error | undefined): void {
    const receiving = this.#receiving.get(stream);
    if (receiving === undefined) this.#earlyEnds.set(stream, error);
    else if (error === undefined) receiving.end();
    else receiving.fail(error);
  }

  #settle(id: number): { resolve: (value: unknown) => void; reject: (e: Error) => void } | undefined {
    const found = this.#asked.get(id);
    this.#asked.delete(id);
    return found;
  }

  #write(message: Wire<Out>): void {
    if (this.#over) return;
    const body = serialize(message);
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length);
    frame.set(body, 4);
    this.#o.write(frame);
  }
}
