// Whoever reads the tour on a terminal: goes on with Enter, and may leave.
import { SlipwayError } from '../../model/index.ts';

const PROMPT = '  [Enter: run it, q: leave] ';

export interface Reader {
  /** Waits for a line. @throws SlipwayError `tour.left`, `cancelled` */
  pause(): Promise<void>;
  /** Lets the program end. */
  close(): void;
}

/** Reads lines from a terminal. What is typed while a command runs counts for nothing; at the end of the input nobody is waited for. */
export function readerOn(stdin: NodeJS.ReadStream, write: (text: string | Uint8Array) => void, signal: AbortSignal): Reader {
  let take: ((line: string) => void) | undefined;
  let ended = false;
  const onData = (chunk: string): void => take?.(chunk);
  const onEnd = (): void => {
    ended = true;
    take?.('\n');
  };
  stdin.setEncoding('utf8').on('data', onData).on('end', onEnd);
  return {
    async pause() {
      if (ended) return;
      write(PROMPT);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      let typed = '';
      take = (chunk) => {
        typed += chunk;
        if (typed.includes('\n')) resolve(typed);
      };
      const stop = (): void => reject(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
      signal.addEventListener('abort', stop, { once: true });
      try {
        signal.throwIfAborted();
        if (/^\s*q/i.test(await promise)) throw new SlipwayError('cancelled', 'tour.left', 'left');
        // back over the prompt, whose line the reader has ended
        write(Buffer.from('\u001b[A\r\u001b[K'));
      } finally {
        take = undefined;
        signal.removeEventListener('abort', stop);
      }
    },
    close() {
      stdin.off('data', onData).off('end', onEnd).pause();
    },
  };
}
