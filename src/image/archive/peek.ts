// Looking at the first bytes of a stream and having it whole afterwards.
import { Readable, pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';

/** At least `length` first bytes, unless the stream is shorter, and a stream that still begins with them. */
export async function peek(source: Readable, length: number): Promise<{ head: Buffer; stream: Readable }> {
  const parts: Buffer[] = [];
  let have = 0;
  while (have < length) {
    const chunk = source.read() as Buffer | string | null;
    if (chunk !== null) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      parts.push(bytes);
      have += bytes.length;
    } else if (!(await becomesReadable(source))) {
      return { head: Buffer.concat(parts), stream: Readable.from(parts, { objectMode: false }) };
    }
  }
  const head = Buffer.concat(parts);
  source.unshift(head);
  return { head, stream: source };
}

/** The stream seen through a transformation; whichever of the two ends or fails takes the other with it. */
export function through(source: Readable, transformation: Duplex): Readable {
  // Whoever reads the result meets the error there.
  pipeline(source, transformation, () => {});
  return transformation;
}

/** False at the end of the stream. */
async function becomesReadable(source: Readable): Promise<boolean> {
  if (source.readableEnded) return false;
  if (source.errored !== null) throw source.errored;
  return await new Promise<boolean>((resolve, reject) => {
    const settle = (fn: () => void) => (): void => {
      for (const [event, listener] of Object.entries(listeners)) source.off(event, listener);
      fn();
    };
    const listeners: Record<string, (error: Error) => void> = {
      readable: settle(() => resolve(true)),
      end: settle(() => resolve(false)),
      close: settle(() => resolve(false)),
      error: (error) => settle(() => reject(error))(),
    };
    for (const [event, listener] of Object.entries(listeners)) source.on(event, listener);
  });
}
