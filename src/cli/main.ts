// The program's beginning: its process becomes the surroundings of a command line, and the end of that an exit code.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '../model/index.ts';
import { armCrashPoint } from '../util/index.ts';
import { callersWords, restoreCallersEnvironment } from './environment.ts';
import { execute } from './execute.ts';
import { StandardStream } from './standard-stream.ts';

const stdout = new StandardStream('stdout', process.exit);
const stderr = new StandardStream('stderr', process.exit);

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
  const surroundings = {
    env,
    get cwd() {
      return currentFolder();
    },
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
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
  stdout.ended(() => stderr.ended(() => process.exit()));
});
