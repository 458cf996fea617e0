// The streams of a program in a container over the connection of a client: bytes as they are where it has a terminal, else frames.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { parseKeys, type Streams, type TerminalEnds } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Call } from '../http/call.ts';
import { frame, type StreamName } from '../http/frames.ts';
import type { Hijacked } from '../http/hijacked.ts';
import { MULTIPLEXED_STREAM, RAW_STREAM } from '../http/reply.ts';

export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Since 1.42 the type says whether what comes are frames. */
export const streamType = ({ minor }: Call, tty: boolean): string => (!tty && minor >= 42 ? MULTIPLEXED_STREAM : RAW_STREAM);

/** Waits until a client has read enough that more can be written, or has gone. */
export async function drained(to: Writable): Promise<void> {
  if (!to.writableNeedDrain || to.destroyed) return;
  const over = new AbortController();
  try {
    await Promise.race([once(to, 'drain', { signal: over.signal }), once(to, 'close', { signal: over.signal })]);
  } catch {
    // it has failed: nobody reads any more
  } finally {
    over.abort();
  }
}

/** Bytes that go at once when so many have come together; else as soon as nothing else is at hand. */
const BATCH = 64 << 10;

/** Gathers what is written in small pieces: a call of the kernel for each would cost more than all that is done with it. */
export class Gathered {
  readonly #to: Writable;
  #pieces: Buffer[] = [];
  #size = 0;
  #planned = false;

  constructor(to: Writable) {
    this.#to = to;
  }

  write(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size >= BATCH) return this.flush();
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#planned = false;
    if (this.#size === 0) return;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    if (!this.#to.destroyed && !this.#to.writableEnded) this.#to.write(all);
  }
}

/** Bytes of one stream, in the form that the client expects. */
export const writerOf =
  (output: Writable, tty: boolean) =>
  (stream: StreamName, data: Uint8Array): void => {
    if (!output.destroyed && !output.writableEnded) output.write(tty ? data : frame(stream, data));
  };

/** @param plain both streams as they are, without frames */
export function streamsOf({ input, output }: Hijacked, wanted: Wanted, plain = false): Streams {
  const write = writerOf(output, plain);
  return {
    ...(wanted.stdin && { stdin: input }),
    stdout: (chunk) => void (wanted.stdout && write('stdout', chunk)),
    stderr: (chunk) => void (wanted.stderr && write('stderr', chunk)),
    ready: () => drained(output),
  };
}

/** A client's terminal: what size it has, the client says when it likes. */
export class ClientTerminal implements TerminalEnds {
  readonly input?: TerminalEnds['input'] & object;
  readonly output: TerminalEnds['output'];
  readonly detachKeys: readonly number[] | undefined;
  readonly #changed = new Set<() => void>();
  #size: { readonly columns: number; readonly rows: number } | undefined;

  constructor({ input, output }: Hijacked, wanted: Wanted, detachKeys: readonly number[] | undefined) {
    if (wanted.stdin) this.input = input;
    const write = writerOf(output, true);
    this.output = { write: (chunk) => void (wanted.stdout && write('stdout', chunk)), ready: () => drained(output) };
    this.detachKeys = detachKeys;
  }

  size(): { readonly columns: number; readonly rows: number } | undefined {
    return this.#size;
  }

  resize(size: { readonly columns: number; readonly rows: number }): void {
    this.#size = size;
    for (const changed of this.#changed) changed();
  }

  onResize(changed: () => void): () => void {
    this.#changed.add(changed);
    return () => void this.#changed.delete(changed);
  }
}

/** `ctrl-p,ctrl-q` as bytes; undefined for the usual ones. @throws SlipwayError `api.detach-keys` */
export function detachKeysOf(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const parsed = parseKeys(text);
  if ('keys' in parsed) return parsed.keys;
  const why = `Unknown character: '${parsed.unknown}'`;
  throw new SlipwayError('invalid-argument', 'api.detach-keys', `Invalid detach keys (${text}) provided: ${why}`);
}

/** `h` and `w` of a request to resize. @throws SlipwayError `api.query` */
export function sizeOf({ query }: Call): { readonly columns: number; readonly rows: number } {
  const [rows, columns] = [query.number('h'), query.number('w')];
  const isSize = (n: number | undefined): n is number => n !== undefined && n >= 0 && n < 65_536;
  if (isSize(rows) && isSize(columns)) return { rows, columns };
  throw new SlipwayError('invalid-argument', 'api.query', 'invalid size of a terminal: h and w are numbers of characters');
}
