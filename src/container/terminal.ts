// `run -t`: the container's program gets a terminal of its own, which the runtime connects with ours, size included.
import { isatty } from 'node:tty';
import { SlipwayError } from '../model/index.ts';
import { runForeground } from './foreground.ts';
import type { LaunchOptions } from './launch.ts';
import type { ContainerManager } from './manager.ts';
import type { Container } from './types.ts';

export interface TerminalOptions extends LaunchOptions {
  readonly onStarted?: (c: Container) => void;
}

export interface TerminalOutcome {
  readonly exitCode: number;
}

/** Throws invalid-argument 'container.no-terminal' when our standard input is none. */
export async function runInTerminal(manager: ContainerManager, c: Container, o: TerminalOptions): Promise<TerminalOutcome> {
  if (!isatty(0)) throw new SlipwayError('invalid-argument', 'container.no-terminal', 'the input device is not a TTY', { exitCode: 1 });
  const exitCode = await runForeground(manager, c, { ...o, stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' });
  return { exitCode };
}
