// The worker's end: takes one operation from a pipe, works on it, and asks for what only the caller has over the same pipe.
import type { Readable } from 'node:stream';
import { type Session, SlipwayError } from '../../model/index.ts';
import type { BuildEvent } from '../../builder/index.ts';
import type { Engine } from '../engine.ts';
import type { StoreEvent } from '../store-operations.ts';
import { type Operation, perform } from '../operations.ts';
import { Channel } from './channel.ts';
import { errorData } from './error-data.ts';
import type { FromWorker, Questions, ToWorker } from './messages.ts';

export interface WorkerPipe {
  readonly input: Readable;
  /** Takes whole frames, and waits for whoever reads them. */
  write(frame: Buffer): void;
}

/**
 * Works on one operation. What becomes of it is told over the pipe; a caller that is gone stops it.
 * @param open gives the engine, whose failure is the operation's
 */
export async function serveOperation(pipe: WorkerPipe, open: () => Promise<Engine>, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const asked = Promise.withResolvers<Operation>();
  const channel = new Channel<FromWorker, ToWorker>({
    write: (frame) => pipe.write(frame),
    onMessage: (m) => {
      if (m.type === 'perform') asked.resolve(m.operation);
      else stop.abort(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
    },
    onAsk: (method) => Promise.reject(new SlipwayError('internal', 'worker.asked', `a worker is asked for nothing: ${method}`)),
  });
  const gone = (cause?: unknown): void => {
    const reason = new SlipwayError('cancelled', 'worker.caller-gone', 'whoever asked for this is gone', { cause });
    channel.end(reason);
    stop.abort(reason);
    asked.reject(reason);
  };
  void channel.read(pipe.input).then(() => gone(), gone);
  try {
    const operation = await asked.promise;
    const reply = await perform(await open(), operation, {
      session: new AskedSession(channel),
      signal: AbortSignal.any([signal, stop.signal]),
      onEvent: (event: BuildEvent | StoreEvent) => channel.send({ type: 'event', event }),
      beforeStart: () => channel.ask('beforeStart') as Promise<void>,
    });
    channel.send({ type: 'done', reply });
  } catch (e) {
    channel.send({ type: 'failed', error: errorData(e) });
  }
}

/** The session of whoever is at the other end. */
class AskedSession implements Session {
  readonly #channel: Channel<FromWorker, ToWorker>;

  constructor(channel: Channel<FromWorker, ToWorker>) {
    this.#channel = channel;
  }

  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    try {
      return await Promise.race([this.#ask('secret', id), stopped.promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async ssh(id: string): ReturnType<Session['ssh']> {
    if (!(await this.#ask('ssh', id))) return undefined;
    return {
      connect: async () => {
        const connection = await this.#ask('connect', id);
        return {
          ask: (message) => this.#ask('agent', connection, message),
          close: () => void this.#ask('hangUp', connection).catch(() => undefined),
        };
      },
    };
  }

  async local(...[name, wish]: Parameters<Session['local']>): ReturnType<Session['local']> {
    const files = await this.#ask('local', name, wish);
    return 'path' in files
      ? { kind: 'folder', path: files.path }
      : { kind: 'stream', stream: this.#channel.readable(files.stream, { confirm: true }) };
  }

  credentials(host: string): ReturnType<Session['credentials']> {
    return this.#ask('credentials', host);
  }

  async output(name: string): ReturnType<Session['output']> {
    const place = await this.#ask('output', name);
    return 'stream' in place ? { kind: 'stream', stream: this.#channel.writable(place.stream) } : place;
  }

  #ask<K extends keyof Questions>(method: K, ...args: Parameters<Questions[K]>): ReturnType<Questions[K]> {
    return this.#channel.ask(method, ...args) as ReturnType<Questions[K]>;
  }
}
