// A runtime process whose standard streams are ours: `run` without -d, and exec. Where the program has a terminal, the runtime makes it
// and sends us the other side.
import type { StdioOptions } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { listenForConsole } from '../sys/index.ts';
import { spawnRuntime } from './binary.ts';
import type { RuntimeBinary } from './binary.ts';
import { exitStatus } from './exit-status.ts';
import { outputPipe } from './output-pipe.ts';
import { relayTerminal, type TerminalEnds } from './terminal-relay.ts';
import type { ExitStatus, ForegroundOptions } from './types.ts';

type Streams = Pick<ForegroundOptions, 'stdin' | 'stdout' | 'stderr' | 'signal' | 'ownSession'>;
export type ForegroundStreams = Streams & Pick<ForegroundOptions, 'terminal'>;

/** The program has a terminal: the user's, and where the runtime finds us. */
export interface AttachedTerminal {
  readonly ends: TerminalEnds;
  /** For a socket; short-lived. */
  readonly folder: string;
}

/** Waits for its end. An abort is passed on as SIGTERM to the runtime, which passes it to the container's process. */
export async function runAttached(
  binary: RuntimeBinary,
  args: readonly string[],
  o: Streams,
  started?: { pidFile: string; onStarted: (pid: number) => void },
): Promise<ExitStatus> {
  o.signal?.throwIfAborted();
  const pipes = [o.stdout, o.stderr].map((target) => (typeof target === 'function' ? outputPipe(target) : undefined));
  const stdio: StdioOptions = [o.stdin ?? 'ignore', pipes[0]?.fd ?? mode(o.stdout), pipes[1]?.fd ?? mode(o.stderr)];
  const child = spawnRuntime(binary, args, stdio, o.ownSession);
  for (const pipe of pipes) pipe?.started();
  const abort = (): void => void child.kill('SIGTERM');
  o.signal?.addEventListener('abort', abort, { once: true });
  const watch = started === undefined ? undefined : watchPid(started.pidFile, started.onStarted);
  try {
    return await new Promise<ExitStatus>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new SlipwayError('unavailable', 'runtime.not-started', `cannot start ${binary.path}: ${cause.message}`, { cause })),
      );
      child.on('exit', (code, signal) => {
        const ended = pipes.flatMap((pipe) => (pipe === undefined ? [] : [pipe.ended]));
        void Promise.all(ended).then(() => resolve(exitStatus(code, signal)));
      });
    });
  } finally {
    watch?.();
    o.signal?.removeEventListener('abort', abort);
  }
}

/** As `runAttached`, for a program with a terminal. `args` end with the id: the socket is named before it. */
export async function runWithTerminal(
  binary: RuntimeBinary,
  args: readonly string[],
  o: Pick<ForegroundOptions, 'signal'>,
  { ends, folder }: AttachedTerminal,
  started?: { pidFile: string; onStarted: (pid: number) => void },
): Promise<ExitStatus> {
  const path = join(folder, 'console');
  rmSync(path, { force: true });
  const listener = listenForConsole(path);
  const over = new AbortController();
  const socket = ['--console-socket', path];
  const streams: Streams = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', ownSession: true, ...(o.signal && { signal: o.signal }) };
  const running = runAttached(binary, [...args.slice(0, -1), ...socket, ...args.slice(-1)], streams, started);
  running.then(
    () => over.abort(),
    () => over.abort(),
  );
  try {
    const master = await listener.receive(over.signal).catch(() => undefined); // it ended before: its status says why
    if (master !== undefined) await relayTerminal(master, ends, running);
    return await running;
  } finally {
    listener.close();
    rmSync(path, { force: true });
  }
}

function mode(target: Streams['stdout']): 'inherit' | 'ignore' {
  return target === 'ignore' ? 'ignore' : 'inherit';
}

/** Calls back once when the runtime has written the pid. Returns how to stop (which looks a last time). */
function watchPid(path: string, onStarted: (pid: number) => void): () => void {
  let done = false;
  const look = (): void => {
    if (done) return;
    let pid: number;
    try {
      pid = Number(readFileSync(path, 'latin1'));
    } catch {
      return;
    }
    if (!(pid > 0)) return;
    done = true;
    clearInterval(timer);
    onStarted(pid);
  };
  const timer = setInterval(look, 4);
  return () => {
    look();
    clearInterval(timer);
  };
}
