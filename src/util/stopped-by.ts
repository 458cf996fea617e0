// A stream that ends with a signal, also while it waits for whoever writes to it. `for await` alone would go on waiting.
import type { Readable } from 'node:stream';

export function stoppedBy<T extends Readable>(stream: T, signal: AbortSignal | undefined): T {
  if (signal === undefined) return stream;
  const stop = (): void => void stream.destroy(signal.reason as Error);
  // whoever reads the stream meets the error there; while nobody does, it must not end the program
  stream.on('error', () => {});
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', stop));
  return stream;
}
