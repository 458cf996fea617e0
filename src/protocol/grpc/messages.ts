// The messages of one direction of a stream, written with back pressure and read in order.
import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { frame, FrameReader } from './frames.ts';
import { Code, GrpcError } from './status.ts';

/** Resolves when the next message may be written. @throws GrpcError when the stream has gone */
export async function writeMessage(stream: Duplex, message: Uint8Array, signal?: AbortSignal): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw gone();
  if (stream.write(frame(message))) return;
  const over = new AbortController();
  const closed = (): void => over.abort(gone());
  stream.once('close', closed);
  try {
    await once(stream, 'drain', { signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal });
  } catch (e) {
    throw over.signal.aborted ? gone() : e;
  } finally {
    stream.off('close', closed);
  }
}

/** The messages that come, until the other side ends. @throws GrpcError */
export async function* readMessages(stream: Duplex): AsyncGenerator<Buffer> {
  const reader = new FrameReader();
  try {
    // a call that wants no more messages still has an answer to give
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) yield* reader.push(chunk);
  } catch (e) {
    if (e instanceof GrpcError) throw e;
    throw gone(e);
  }
  if (reader.truncated) throw new GrpcError(Code.internal, 'the stream ended within a message');
}

const gone = (cause?: unknown): GrpcError => Object.assign(new GrpcError(Code.cancelled, 'the stream was closed'), { cause });
