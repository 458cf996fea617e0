// A runtime process that is our child: exec, and the shell of a build that is debugged. Its standard streams are pipes; where the program
// has a terminal, the runtime makes it and sends us the other side.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { listenForConsole } from '../sys/index.ts';
import { spawnRuntime, type RuntimeBinary } from './binary.ts';
import { exitStatus } from './exit-status.ts';
import { inputPipe } from './input.ts';
import { outputPipe } from './output-pipe.ts';
import { relayTerminal } from './terminal-relay.ts';
import type { ExitStatus, Streams, TerminalEnds } from './types.ts';

/** The program has a terminal: the user's, and where the runtime finds us. */
export interface AttachedTerminal {
  readonly ends: TerminalEnds;
  /** For a socket; short-lived. */
  readonly folder: string;
  /** The user may leave the program to itself. */
  readonly leavable: boolean;
}

/** Standard streams of a runtime process; without any, it has none. */
export interface AttachedOptions {
  readonly streams?: Streams | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The runtime gets our own streams; the container must have a terminal then. */
  readonly relaysItself?: boolean;
  /** Out of reach of our terminal's keys. */
  readonly ownSession?: boolean;
  /** When it aborts, the runtime is left to itself. */
  readonly leave?: AbortSignal;
}

/** Waits for its end. An abort is passed on as SIGTERM to the runtime, which passes it to the container's process. */
export async function runAttached(binary: RuntimeBinary, args: readonly string[], o: AttachedOptions): Promise<ExitStatus> {
  o.signal?.throwIfAborted();
  const { streams } = o;
  const outputs = streams === undefined ? [] : [outputPipe(streams.stdout), outputPipe(streams.stderr)];
  const input = streams?.stdin === undefined ? undefined : inputPipe();
  const otherwise = o.relaysItself === true ? 'inherit' : 'ignore';
  const stdio = [input, outputs[0], outputs[1]].map((pipe) => pipe?.fd ?? otherwise);
  const child = spawnRuntime(binary, args, stdio, o.ownSession);
  for (const pipe of outputs) pipe.started();
  const stop = streams?.stdin && input?.started(streams.stdin);
  const abort = (): void => void child.kill('SIGTERM');
  o.signal?.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<ExitStatus>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new SlipwayError('unavailable', 'runtime.not-started', `cannot start ${binary.path}: ${cause.message}`, { cause })),
      );
      child.on('exit', (code, signal) => void Promise.all(outputs.map((pipe) => pipe.ended)).then(() => resolve(exitStatus(code, signal))));
      o.leave?.addEventListener('abort', () => {
        child.unref();
        resolve({ exitCode: 0, left: true });
      });
    });
  } finally {
    stop?.();
    o.signal?.removeEventListener('abort', abort);
  }
}

/** As `runAttached`, for a program with a terminal. `args` end with the id: the socket is named before it. */
export async function runWithTerminal(
  binary: RuntimeBinary,
  args: readonly string[],
  signal: AbortSignal | undefined,
  { ends, folder, leavable }: AttachedTerminal,
): Promise<ExitStatus> {
  const path = join(folder, 'console');
  rmSync(path, { force: true });
  const listener = listenForConsole(path);
  const [over, leave] = [new AbortController(), new AbortController()];
  const running = runAttached(binary, [...args.slice(0, -1), '--console-socket', path, ...args.slice(-1)], {
    ownSession: true,
    signal,
    leave: leave.signal,
  });
  running.then(
    () => over.abort(),
    () => over.abort(),
  );
  try {
    const master = await listener.receive(over.signal).catch(() => undefined); // it ended before: its status says why
    if (master !== undefined)
      await relayTerminal(master, ends, running, leavable ? { name: folder, onTyped: () => leave.abort() } : undefined);
    return await running;
  } finally {
    listener.close();
    rmSync(path, { force: true });
  }
}
