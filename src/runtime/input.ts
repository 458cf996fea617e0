// From a client's standard input to a program's: with backpressure, to the end, and with the keys that detach (Ctrl-P Ctrl-Q).
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { makePipe } from '../sys/index.ts';
import type { InputSource } from './types.ts';

export interface InputTarget {
  /** False when nobody reads any more. */
  write(chunk: Buffer): Promise<boolean>;
  /** The source has ended. */
  end(): void;
  /** The user typed the keys that detach; they are not passed on. */
  onEscape?(): void;
}

/** Copies until the source ends or the target does. Returns how to stop. */
export function copyInput(source: InputSource, target: InputTarget): () => void {
  const escape = target.onEscape && new EscapeKeys();
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
      if (escaped && !stopped) target.onEscape?.();
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

const CTRL_P = 16;
const CTRL_Q = 17;

/** Finds Ctrl-P Ctrl-Q. A Ctrl-P is held back until the next key, as in Docker. */
class EscapeKeys {
  #held = false;

  feed(data: Buffer): { readonly pass: Buffer; readonly escaped: boolean } {
    const out: number[] = [];
    for (const byte of data) {
      if (this.#held && byte === CTRL_Q) return { pass: Buffer.from(out), escaped: true };
      if (this.#held) out.push(CTRL_P);
      this.#held = byte === CTRL_P;
      if (!this.#held) out.push(byte);
    }
    return { pass: Buffer.from(out), escaped: false };
  }
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
