// The output of a process through a pipe of its own: a program in the container may open /dev/stdout and /dev/stderr again.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { makePipe } from '../sys/index.ts';

export interface OutputPipe {
  /** The end for the child's standard stream. */
  readonly fd: number;
  /** To be called when the child has been started, or could not be: our copy of its end goes. */
  started(): void;
  /** Settles when everybody who could write is gone and everything has been read. */
  readonly ended: Promise<void>;
}

export function outputPipe(onData: (chunk: Buffer) => void): OutputPipe {
  const { read, write } = makePipe();
  const socket = new Socket({ fd: read, readable: true, writable: false });
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('error', () => socket.destroy()); // it ends as if everything had been read
  });
  socket.on('data', onData);
  return { fd: write, started: () => closeSync(write), ended };
}
