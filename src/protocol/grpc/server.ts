// The serving side of gRPC, on HTTP/2 streams whoever accepted their connection.
import { create, type DescMessage, type DescMethod, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { readMessages, writeMessage } from './messages.ts';
import { headersOf, type Metadata, timeoutOf } from './metadata.ts';
import { Code, GrpcError, trailersOf } from './status.ts';

/** What a handler is given beside its messages. */
export interface Call {
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client has gone, or its time is over. */
  readonly signal: AbortSignal;
  /** Sends the first metadata at once, which otherwise go with the first message. */
  begin(metadata?: Metadata): void;
}

/** One method: it takes the messages of the client, and gives those of the server. */
type Handler = (requests: AsyncIterable<unknown>, call: Call) => AsyncIterable<unknown>;

type Unary<M extends DescMethod> = (request: MessageShape<M['input']>, call: Call) => Promise<MessageInitOf<M['output']>>;
type ServerStream<M extends DescMethod> = (request: MessageShape<M['input']>, call: Call) => AsyncIterable<MessageInitOf<M['output']>>;
type Bidi<M extends DescMethod> = (
  requests: AsyncIterable<MessageShape<M['input']>>,
  call: Call,
) => AsyncIterable<MessageInitOf<M['output']>>;
type MessageInitOf<D extends DescMessage> = Parameters<typeof create<D>>[1];

/** Methods by the names that their generated description has for them; one that is missing is not implemented. */
export type Implementation<S extends DescService> = {
  readonly [K in keyof S['method']]?: S['method'][K]['methodKind'] extends 'unary'
    ? Unary<S['method'][K]>
    : S['method'][K]['methodKind'] extends 'server_streaming'
      ? ServerStream<S['method'][K]>
      : Bidi<S['method'][K]>;
};

export interface ServerOptions {
  /** The status of anything that a handler throws. */
  status(error: unknown): GrpcError;
}

export class GrpcServer {
  readonly #methods = new Map<string, { readonly method: DescMethod; readonly handler: Handler }>();
  readonly #o: ServerOptions;

  constructor(o: ServerOptions) {
    this.#o = o;
  }

  add<S extends DescService>(service: S, implementation: Implementation<S>): this {
    for (const method of service.methods) {
      const handler = (implementation as Record<string, unknown>)[method.localName];
      if (handler !== undefined)
        this.#methods.set(`/${service.typeName}/${method.name}`, { method, handler: handlerOf(method, handler as never) });
    }
    return this;
  }

  /** Answers the calls of a connection. */
  serve(session: ServerHttp2Session): void {
    session.on('stream', (stream, headers) => void this.#answer(stream, headers));
    session.on('error', () => {}); // every call on it is told by its own stream
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const over = new AbortController();
    stream.on('error', () => {}); // its end is what counts
    stream.on('close', () => over.abort(new GrpcError(Code.cancelled, 'the client has gone')));
    const found = this.#methods.get(String(headers[':path'] ?? ''));
    if (!(headers['content-type'] ?? '').startsWith('application/grpc')) return stream.respond({ ':status': 415 }, { endStream: true });
    const ms = timeoutOf(headers);
    const timer =
      ms === undefined ? undefined : setTimeout(() => over.abort(new GrpcError(Code.deadlineExceeded, 'context deadline exceeded')), ms);
    const begin = (metadata: Metadata = {}): void => {
      if (stream.destroyed || stream.headersSent) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headersOf(metadata) }, { waitForTrailers: true });
    };
    let failure: GrpcError | undefined;
    stream.on('wantTrailers', () => stream.sendTrailers(trailersOf(failure)));
    try {
      if (found === undefined) throw new GrpcError(Code.unimplemented, `unknown method ${headers[':path']}`);
      const { input, output } = found.method;
      const replies = found.handler(decoded(readMessages(stream), input), { headers, signal: over.signal, begin });
      for await (const reply of raced(replies, over.signal)) {
        begin();
        await writeMessage(stream, toBinary(output, create(output, reply as never)), over.signal);
      }
    } catch (e) {
      failure = e instanceof GrpcError ? e : this.#o.status(e);
    } finally {
      clearTimeout(timer);
    }
    if (stream.destroyed) return;
    begin();
    stream.end();
    // what is still to come of the client is nobody's
    stream.resume();
  }
}

function handlerOf(method: DescMethod, fn: (request: unknown, call: Call) => unknown): Handler {
  switch (method.methodKind) {
    case 'unary':
      return async function* (requests, call) {
        yield await (fn(await one(requests), call) as Promise<unknown>);
      };
    case 'server_streaming':
      return async function* (requests, call) {
        yield* fn(await one(requests), call) as AsyncIterable<unknown>;
      };
    default:
      return (requests, call) => fn(requests, call) as AsyncIterable<unknown>;
  }
}

async function one(requests: AsyncIterable<unknown>): Promise<unknown> {
  for await (const request of requests) return request;
  throw new GrpcError(Code.invalidArgument, 'the call has no request');
}

async function* decoded(messages: AsyncIterable<Buffer>, schema: DescMessage): AsyncGenerator<unknown> {
  for await (const message of messages) yield decode(schema, message);
}

/** @throws GrpcError for bytes that are no such message */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw Object.assign(new GrpcError(Code.internal, `a message cannot be read: ${(cause as Error).message}`), { cause });
  }
}

/** Items until a signal says that nobody wants more; what makes them is told. */
async function* raced<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {}); // it is only awaited beside an item
  const stop = (): void => stopped.reject(signal.reason as Error);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // not awaited: it may be waiting for something that does not come
    void iterator.return?.().catch(() => {});
  }
}
