// The program's beginning: its process becomes the surroundings of a command line, and the end of that an exit code.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '../model/index.ts';
import { armCrashPoint, printableWithColor } from '../util/index.ts';
import type { Output } from './command.ts';
import { callersWords, restoreCallersEnvironment } from './environment.ts';
import { execute } from './execute.ts';

/** Text is made printable on a terminal; bytes are what containers and screens write, and pass as they are (decision 022). */
function terminalSafe(stream: NodeJS.WriteStream): Output {
  if (!stream.isTTY) return stream;
  return {
    write: (text) => stream.write(typeof text === 'string' ? printableWithColor(text) : text),
    isTTY: true,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  };
}

function main(): Promise<number> {
  const abort = new AbortController();
  const interrupted = (): void => {
    // a second Ctrl-C does not wait
    if (abort.signal.aborted) process.exit(130);
    abort.abort(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  const { env } = process;
  const launcher = env['SLIPWAY_LAUNCHER'] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'slipway');
  restoreCallersEnvironment(env);
  if (env['SLIPWAY_CRASH_AT']) armCrashPoint(env['SLIPWAY_CRASH_AT']);
  for (const stream of [process.stdout, process.stderr]) {
    // whoever reads may stop reading
    stream.on('error', (e: NodeJS.ErrnoException) => process.exit(e.code === 'EPIPE' ? 0 : 1));
  }
  const surroundings = {
    env,
    get cwd() {
      return currentFolder();
    },
    get stdin() {
      return process.stdin;
    },
    stdout: terminalSafe(process.stdout),
    stderr: terminalSafe(process.stderr),
    signal: abort.signal,
    selfCommand: [launcher],
  };
  return execute(surroundings, callersWords(process.argv.slice(2)));
}

/** Only what names files needs it: everything else works in a folder that was removed. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new SlipwayError('failed-precondition', 'cli.no-current-directory', 'the current directory does not exist any more', { cause });
  }
}

void main().then((exitCode) => {
  process.exitCode = exitCode;
  // a stream that nobody ends (standard input) must not keep the program
  if (!process.stdout.writableLength && !process.stderr.writableLength) process.exit();
  process.stdout.once('drain', () => process.exit());
});
