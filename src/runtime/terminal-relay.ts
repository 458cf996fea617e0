// Between the user's terminal and a container's. The runtimes can do this themselves, but crun loses what a program wrote last when it
// ends at the same moment: here everything is read until the container's side is closed.
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { setWindowSize } from '../sys/index.ts';

/** The user's terminal. */
export interface TerminalEnds {
  readonly input: Pick<NodeJS.ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>;
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
  const typed = (chunk: Buffer): void => void terminal.write(chunk);
  const stopResizing = ends.onResize(() => setWindowSize(master, ends.size()));
  const raw = ends.input.isTTY === true;
  if (raw) ends.input.setRawMode(true);
  terminal.on('data', (chunk: Buffer) => void ends.output.write(chunk));
  ends.input.on('data', typed);
  ends.input.resume();
  try {
    await ended.catch(() => {}); // told where it is awaited
    await Promise.race([closed, sleep(DRAIN)]);
  } finally {
    stopResizing();
    ends.input.off('data', typed);
    ends.input.pause();
    if (raw) ends.input.setRawMode(false);
    terminal.destroy();
  }
}
