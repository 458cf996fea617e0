// The calling side of gRPC, on an HTTP/2 connection that may run over any stream.
import { create, type DescMessage, type DescMethod, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { readMessages, writeMessage } from './messages.ts';
import { headersOf, type Metadata } from './metadata.ts';
import { decode } from './server.ts';
import { Code, errorFrom, GrpcError } from './status.ts';

type Init<D extends DescMessage> = Parameters<typeof create<D>>[1];

export interface CallOptions {
  readonly metadata?: Metadata;
  readonly signal: AbortSignal;
}

/** A call at work: messages both ways. */
export interface OpenCall<M extends DescMethod> {
  send(message: Init<M['input']>): Promise<void>;
  /** No more messages from here. */
  end(): void;
  /** The messages that come, until the other side has ended the call. @throws GrpcError */
  readonly replies: AsyncIterable<MessageShape<M['output']>>;
  /** The first metadata of the other side. */
  readonly headers: Promise<IncomingHttpHeaders>;
  /** Ends the call, whatever is under way. */
  cancel(): void;
}

export class GrpcClient {
  readonly session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on('error', () => {}); // every call on it is told by its own stream
  }

  /** @throws GrpcError; the signal's reason */
  async unary<M extends DescMethod>(method: M, request: Init<M['input']>, o: CallOptions): Promise<MessageShape<M['output']>> {
    const call = this.open(method, o);
    await call.send(request);
    call.end();
    let reply: MessageShape<M['output']> | undefined;
    for await (const message of call.replies) reply ??= message;
    if (reply === undefined) throw new GrpcError(Code.internal, 'the call ended without a reply');
    return reply;
  }

  /** @throws GrpcError when the connection has gone */
  open<M extends DescMethod>(method: M, { metadata = {}, signal }: CallOptions): OpenCall<M> {
    if (this.session.closed || this.session.destroyed) throw new GrpcError(Code.unavailable, 'the connection was closed');
    const stream = this.session.request({
      ':method': 'POST',
      ':path': `/${method.parent.typeName}/${method.name}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headersOf(metadata),
    });
    stream.on('error', () => {}); // told where messages are read and written
    const stop = (): void => stream.close(8); // CANCEL (RFC 9113, section 7)
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    stream.on('close', () => signal.removeEventListener('abort', stop));
    const headers = new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.on('response', resolve);
      stream.on('close', () => reject(new GrpcError(Code.cancelled, 'the call was closed before it began')));
    });
    headers.catch(() => {}); // few ask
    let trailers: IncomingHttpHeaders | undefined;
    stream.on('trailers', (t) => (trailers = t));
    const { input, output } = method as { input: M['input']; output: M['output'] };
    return {
      send: (message) => writeMessage(stream, toBinary(input, create(input, message)), signal),
      end: () => void stream.end(),
      headers,
      cancel: stop,
      replies: replies(stream, output, signal, headers, () => trailers),
    };
  }
}

async function* replies<D extends DescMessage>(
  stream: ClientHttp2Stream,
  output: D,
  signal: AbortSignal,
  headers: Promise<IncomingHttpHeaders>,
  trailers: () => IncomingHttpHeaders | undefined,
): AsyncGenerator<MessageShape<D>> {
  try {
    for await (const message of readMessages(stream)) yield decode(output, message);
    const first = await headers;
    if (Number(first[':status']) !== 200) throw new GrpcError(Code.unavailable, `HTTP status ${first[':status']}`);
    const last = trailers() ?? first;
    if (last['grpc-status'] === undefined) throw new GrpcError(Code.unavailable, 'the call ended without a status');
    const error = errorFrom(last);
    if (error !== undefined) throw error;
  } catch (e) {
    signal.throwIfAborted();
    throw e;
  } finally {
    if (!stream.readableEnded || !stream.writableEnded) stream.close(8);
  }
}
