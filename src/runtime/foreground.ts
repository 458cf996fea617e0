// A runtime process whose standard streams are ours: `run` without -d, and exec. Terminals are the runtime's business: with
// a terminal as standard input it makes a new one for the container, relays both ways and follows changes of size.
import type { StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { spawnRuntime } from './binary.ts';
import type { RuntimeBinary } from './binary.ts';
import { exitStatus } from './exit-status.ts';
import { outputPipe } from './output-pipe.ts';
import type { ExitStatus, ForegroundOptions } from './types.ts';

type Streams = Pick<ForegroundOptions, 'stdin' | 'stdout' | 'stderr' | 'signal' | 'ownSession'>;

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
