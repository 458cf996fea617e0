// From a client's standard input to a program's: with backpressure, to the end, and with the keys that detach.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { makePipe } from '../sys/index.ts';
import { EscapeKeys } from './escape-keys.ts';
import type { InputSource } from './types.ts';

export interface InputTarget {
  /** False when nobody reads any more. */
  write(chunk: Buffer): Promise<boolean>;
  /** The source has ended. */
  end(): void;
  /** The keys that detach, which are not passed on; none are looked for without it. */
  readonly escape?: Escape | undefined;
}

export interface Escape {
  /** Ctrl-P Ctrl-Q when left out. */
  readonly keys?: readonly number[] | undefined;
  /** They were typed. */
  readonly onTyped: () => void;
}

/** Copies until the source ends or the target does. Returns how to stop. */
export function copyInput(source: InputSource, target: InputTarget): () => void {
  const escape = target.escape && new EscapeKeys(target.escape.keys);
  let stopped = false;
  let ended = false;
  let writing: Promise<void> = Promise.resolve();
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    source.off('data', onData).off('end', onEnd).off('error', onEnd);
    source.pause();
  };
  const onData = (data: Buffer): void => {
    const { pass, escaped } = escape?.feed(data) ?? { pass: data, escaped: false };
    source.pause();
    writing = writing.then(async () => {
      const open = pass.length === 0 || (await target.write(pass));
      if (escaped && !stopped) target.escape?.onTyped();
      if (!open || escaped) stop();
      else if (!stopped && !ended) source.resume();
    });
  };
  const onEnd = (): void => {
    ended = true;
    void writing.then(() => {
      if (stopped) return;
      target.end();
      stop();
    });
  };
  source.on('data', onData).on('end', onEnd).on('error', onEnd);
  source.resume();
  return stop;
}

export interface InputPipe {
  /** The end for the child's standard input. */
  readonly fd: number;
  /** To be called when the child has been started, or could not be; copies from now on. Returns how to stop. */
  started(source: InputSource): () => void;
}

/** A pipe for a child's standard input: what a program may open again as /dev/stdin, and never the user's own file or terminal. */
export function inputPipe(): InputPipe {
  const { read, write } = makePipe();
  const socket = new Socket({ fd: write, readable: false, writable: true });

  socket.on('error', () => socket.destroy()); // the program need not read it
  return {
    fd: read,
    started: (source) => {
      closeSync(read);
      const stop = copyInput(source, {
        write: (chunk) =>
          new Promise((resolve) => {
            if (socket.destroyed) return resolve(false);
            socket.write(chunk, (error) => resolve(!error));
          }),
        end: () => socket.end(),
      });
      return () => {
        stop();
        socket.destroy();
      };
    },
  };
}
