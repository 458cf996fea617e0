// What commands on containers share: the manager with records that are up to date, our streams for a program, and our signals.
import { constants } from 'node:os';
import type { Container, ContainerManager, ForegroundOptions, SignalSource, Streams } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { invalidValue } from './args.ts';
import type { Context } from './command.ts';
import { terminalEnds } from './terminal-ends.ts';

/** The manager, after looking what has died unseen. A container that cannot be cleared away is reported, and keeps nobody from the others. */
export async function openContainers(ctx: Context): Promise<ContainerManager> {
  const containers = await (await ctx.engine()).containers();
  for (const warning of await containers.reconcile()) ctx.stderr.write(`WARNING: ${warning}\n`);
  return containers;
}

/** Copies of what comes and goes: no program in a container gets our own descriptors. */
export function streams(ctx: Context, interactive: boolean, shown: Shown = { stdout: true, stderr: true }): Streams {
  return {
    ...(interactive && { stdin: ctx.stdin }),
    stdout: (chunk) => void (shown.stdout && ctx.stdout.write(chunk)),
    stderr: (chunk) => void (shown.stderr && ctx.stderr.write(chunk)),
  };
}

export interface ClientOptions {
  readonly input: boolean;
  readonly signals: boolean;
  readonly detachKeys: readonly number[] | undefined;
  /** Both when left out; a terminal has standard output alone. */
  readonly shown?: Shown | undefined;
}

export interface Shown {
  readonly stdout: boolean;
  readonly stderr: boolean;
}

const NOWHERE = { write: (): void => {} };

/** Our ends of a connection with a container that is there already: its terminal or its streams, and its input if it has one. */
export function clientEnds(ctx: Context, c: Container, o: ClientOptions): ForegroundOptions {
  const { tty, openStdin } = c.request;
  const input = o.input && openStdin;
  if (tty && input && !ctx.stdin.isTTY) throw noTerminal();
  const leave = new AbortController();
  return {
    ...streams(ctx, input, o.shown),
    ...(tty && {
      terminal: { ...terminalEnds(ctx, { input, detachKeys: o.detachKeys }), ...(o.shown?.stdout === false && { output: NOWHERE }) },
    }),
    ...(o.signals && { signals: passSignals(ctx, { terminal: tty, leave: () => leave.abort() }) }),
    leave: leave.signal,
    onWarning: (message) => void ctx.stderr.write(`WARNING: ${message}\n`),
  };
}

const PASSED = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
] as const satisfies readonly (keyof typeof constants.signals)[];

/**
 * Signals that come to us are meant for the program in the container. The third that asks for an end means us: `leave` is called and
 * we exit, as Docker's client. So does the loss of the terminal that the container is connected with.
 */
function passSignals(ctx: Context, o: { readonly terminal: boolean; readonly leave: () => void }): SignalSource {
  return (send) => {
    const before = PASSED.map((signal) => [signal, process.listeners(signal) as NodeJS.SignalsListener[]] as const);
    for (const signal of PASSED) process.removeAllListeners(signal);
    let asked = 0;
    const go = (exitCode: number): void => {
      o.leave();
      process.exit(exitCode);
    };
    const receive = (signal: NodeJS.Signals): void => {
      if (signal === 'SIGHUP' && o.terminal) go(128 + constants.signals.SIGHUP);
      if ((signal === 'SIGINT' || signal === 'SIGTERM') && ++asked === 3) {
        ctx.stderr.write('\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n');
        go(1);
      }
      send(signal);
    };
    for (const signal of PASSED) process.on(signal, receive);
    return () => {
      for (const [signal, listeners] of before) {
        process.off(signal, receive);
        for (const listener of listeners) process.on(signal, listener);
      }
    };
  };
}

/** `-i` and `-t` together want a terminal to read from; `-t` alone does not. */
export function noTerminal(): SlipwayError {
  return new SlipwayError('invalid-argument', 'cli.no-terminal', 'the input device is not a TTY', {
    exitCode: 1,
    hints: ['leave -t out when standard input is a pipe or a file'],
  });
}

/** `-e NAME` alone takes our own value; a variable that we do not have is left out, as in Docker. */
export function fromEnvironment(entry: string, env: Context['env']): string[] {
  if (entry.startsWith('=') || entry === '')
    throw new SlipwayError('invalid-argument', 'cli.env', invalidValue('-e, --env', entry, `invalid environment variable: ${entry}`), {
      exitCode: 125,
    });
  if (entry.includes('=')) return [entry];
  const value = env[entry];
  return value === undefined ? [] : [`${entry}=${value}`];
}

/** What a user is told who typed the keys that detach, where Docker says so; its exit code. */
export function leftRunning(ctx: Context): number {
  ctx.stderr.write('read escape sequence\n');
  return 1;
}
