// Between the user's terminal and a container's. The runtimes can do this themselves, but crun loses what a program wrote last when it
// ends at the same moment: here everything is read until the container's side is closed.
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import { setWindowSize } from '../sys/index.ts';
import { copyInput } from './input.ts';
import type { TerminalEnds } from './types.ts';

/** ms that what is left may take to be read once the program has ended: something else may keep the terminal open. */
const DRAIN = 500;

/**
 * Relays both ways until `ended`, and then until all was read; with `leave`, or until the user types the keys that detach, which calls
 * it: the program keeps its terminal then, and what it writes is lost. `name` is in the environment of the process that holds it. `master`
 * is closed.
 */
export async function relayTerminal(
  master: number,
  ends: TerminalEnds,
  ended: Promise<unknown>,
  leave?: { readonly name: string; readonly onTyped: () => void },
): Promise<void> {
  let terminal: ReadStream;
  const resize = (): void => {
    const size = ends.size();
    if (size !== undefined) setWindowSize(master, size);
  };
  try {
    resize();
    terminal = new ReadStream(master);
  } catch (e) {
    closeSync(master);
    throw e;
  }
  const closed = new Promise<void>((resolve) => {
    // EIO: nobody has the other side open any more (tty_ioctl(4))
    terminal.on('error', () => resolve()).on('close', () => resolve());
  });
  let left = (): void => {};
  const leaving = new Promise<void>((resolve) => (left = resolve));
  const stopResizing = ends.onResize(resize);
  const cooked = ends.raw?.();
  terminal.on('data', (chunk: Buffer) => void ends.output.write(chunk));
  const stop =
    ends.input &&
    copyInput(ends.input, {
      write: (chunk) => new Promise((resolve) => terminal.write(chunk, (error) => resolve(!error))),
      end: () => {},
      escape: leave && {
        keys: ends.detachKeys,
        onTyped: () => {
          terminal.pause();
          holdTerminal(master, leave.name);
          leave.onTyped();
          left();
        },
      },
    });
  try {
    await Promise.race([leaving, ended.catch(() => {}).then(() => Promise.race([closed, sleep(DRAIN)]))]); // a failure is told where it is awaited
  } finally {
    stopResizing();
    stop?.();
    cooked?.();
    terminal.destroy();
  }
}

/**
 * A program whose terminal nobody holds any more is hung up, and one whose terminal nobody reads waits for ever: a process of its own
 * reads it, until the last program on it has ended.
 */
function holdTerminal(master: number, name: string): void {
  const env = { SLIPWAY_TERMINAL: name };
  const holder = spawn('/bin/cat', [], { stdio: [master, 'ignore', 'ignore'], detached: true, env, cwd: '/' });
  holder.on('error', () => {}); // then it is hung up
  holder.unref();
}
