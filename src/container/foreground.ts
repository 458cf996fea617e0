// `run` without -d and without a terminal: the runtime is our own child and the container's output comes to us, which is the
// fastest way to a program's result. Nobody else watches it, so we wait for its end and clear up.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LogWriter, type TerminalEnds } from '../runtime/index.ts';
import { logFile, stateFolder } from './folders.ts';
import { type LaunchOptions, prepareLaunch } from './launch.ts';
import type { ContainerManager } from './manager.ts';
import { claimStart, recordStart, startExitCode } from './starting.ts';
import type { Container, Streams } from './types.ts';

/** Connects somebody's signals with `send`; returns how to disconnect them. */
export type SignalSource = (send: (signal: NodeJS.Signals) => void) => () => void;

export interface ForegroundOptions extends Streams, LaunchOptions {
  /** The user's, for a container that has one. */
  readonly terminal?: TerminalEnds;
  readonly onStarted?: (c: Container) => void;
  /** Signals to be passed on to the container. */
  readonly signals?: SignalSource;
}

export async function runForeground(manager: ContainerManager, c: Container, o: ForegroundOptions): Promise<number> {
  const { endings, parts } = manager;
  claimStart(manager, c);
  const log = new LazyLog(manager, c);
  const disconnect = o.signals?.((signal) => {
    manager.kill(c, signal).catch(() => {}); // it has just ended: there is nobody to get it
  });
  try {
    const ready = await prepareLaunch(parts, manager.volumes, c, o);
    const tee = (stream: 'stdout' | 'stderr') => {
      const target = o[stream];
      if (target === 'inherit') return target;
      return (chunk: Buffer) => {
        log.write(stream, chunk);
        target(chunk);
      };
    };
    const { exitCode } = await ready.runtime.runForeground({
      id: c.id,
      bundle: ready.bundle,
      spec: ready.spec,
      ...(o.terminal && { terminal: o.terminal }),
      stdin: o.stdin,
      stdout: tee('stdout'),
      stderr: tee('stderr'),
      pidFile: join(ready.bundle, 'pid'),
      // crun ignores signals only once the container runs: a Ctrl-C that reached it too might end it first
      ownSession: o.signals !== undefined,
      onStarted: (pid) => {
        const running = recordStart(manager, c, ready, { pid, watching: true });
        o.onStarted?.(running);
      },
    });
    await endings.end(c.id, exitCode, { neat: true });
    return exitCode;
  } catch (error) {
    await endings.failed(c.id, error, startExitCode(error));
    throw error;
  } finally {
    disconnect?.();
    log.close();
  }
}

/** Most short-lived containers say nothing: then nothing is written. */
class LazyLog {
  readonly #manager: ContainerManager;
  readonly #c: Container;
  #writer: LogWriter | undefined;

  constructor(manager: ContainerManager, c: Container) {
    this.#manager = manager;
    this.#c = c;
  }

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.#writer === undefined) {
      mkdirSync(stateFolder(this.#manager.parts.layout, this.#c.id), { recursive: true, mode: 0o700 });
      this.#writer = new LogWriter(logFile(this.#manager.parts.layout, this.#c.id));
    }
    this.#writer.write(stream, chunk);
  }

  close(): void {
    this.#writer?.close();
  }
}
