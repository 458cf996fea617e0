// `run -t`: the container's program gets a terminal of its own, which is connected with the user's, size included.
import type { TerminalEnds } from '../runtime/index.ts';
import { runForeground } from './foreground.ts';
import type { LaunchOptions } from './launch.ts';
import type { ContainerManager } from './manager.ts';
import type { Container } from './types.ts';

export interface TerminalOptions extends LaunchOptions {
  /** The user's. */
  readonly terminal: TerminalEnds;
  readonly onStarted?: (c: Container) => void;
}

export interface TerminalOutcome {
  readonly exitCode: number;
}

export async function runInTerminal(manager: ContainerManager, c: Container, o: TerminalOptions): Promise<TerminalOutcome> {
  const exitCode = await runForeground(manager, c, { ...o, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
  return { exitCode };
}
