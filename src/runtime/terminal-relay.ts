// Between the user's terminal and a container's. The runtimes can do this themselves, but crun loses what a program wrote last when it
// ends at the same moment: here everything is read until the container's side is closed.
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { setWindowSize } from '../sys/index.ts';
import { copyInput } from './input.ts';
import type { InputSource } from './types.ts';

/** The user's terminal. */
export interface TerminalEnds {
  /** What is typed; nothing is read without it. */
  readonly input?: InputSource;
  /** Makes it raw; returns how to undo that. */
  raw?(): () => void;
  readonly output: { write(chunk: Uint8Array): unknown };
  size(): { readonly columns: number; readonly rows: number };
  /** Calls back when the size has changed; returns how to stop that. */
  onResize(changed: () => void): () => void;
}

/** ms that what is left may take to be read once the program has ended: something else may keep the terminal open. */
const DRAIN = 500;

/** Relays both ways until `ended`, and then until all was read. `master` is closed. */
export async function relayTerminal(master: number, ends: TerminalEnds, ended: Promise<unknown>): Promise<void> {
  let terminal: ReadStream;
  try {
    setWindowSize(master, ends.size());
    terminal = new ReadStream(master);
  } catch (e) {
    closeSync(master);
    throw e;
  }
  const closed = new Promise<void>((resolve) => {
    // EIO: nobody has the other side open any more (tty_ioctl(4))
    terminal.on('error', () => resolve()).on('close', () => resolve());
  });
  const stopResizing = ends.onResize(() => setWindowSize(master, ends.size()));
  const cooked = ends.raw?.();
  terminal.on('data', (chunk: Buffer) => void ends.output.write(chunk));
  const stop =
    ends.input &&
    copyInput(ends.input, {
      write: (chunk) => new Promise((resolve) => terminal.write(chunk, (error) => resolve(!error))),
      end: () => {},
    });
  try {
    await ended.catch(() => {}); // told where it is awaited
    await Promise.race([closed, sleep(DRAIN)]);
  } finally {
    stopResizing();
    stop?.();
    cooked?.();
    terminal.destroy();
  }
}
