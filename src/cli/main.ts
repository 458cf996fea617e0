// The program's beginning: finds the command, gives it what it may use, and turns its end into an exit code.
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { homedir } from 'node:os';
import type { Engine } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { armCrashPoint, printableWithColor } from '../util/index.ts';
import { parseArgs } from './args.ts';
import { type Entry, findCommand } from './commands/index.ts';
import type { Context, Output, Settings } from './command.ts';
import { callersWords, restoreCallersEnvironment } from './environment.ts';
import { reportError } from './errors.ts';
import { commandHelp, programHelp } from './help.ts';
import { cacheLimit, proxies, registrySettings } from './registries.ts';

function settings(env: NodeJS.ProcessEnv): Settings {
  const isRoot = process.getuid?.() === 0;
  const data = env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  const root = env['SLIPWAY_ROOT'] || (isRoot ? '/var/lib/slipway' : join(data, 'slipway'));
  const run =
    env['SLIPWAY_RUN'] || (isRoot ? '/run/slipway' : join(env['XDG_RUNTIME_DIR'] || '/tmp', `slipway-${process.getuid?.() ?? 0}`));
  return {
    root,
    run,
    buildkit: !['0', 'false'].includes(env['DOCKER_BUILDKIT'] ?? ''),
    progress: env['BUILDKIT_PROGRESS'] || undefined,
    color: process.stderr.isTTY && !env['NO_COLOR'],
  };
}

function snapshotter(name: string | undefined): { snapshotter?: 'overlay' | 'copy' } {
  if (name === undefined || name === '') return {};
  if (name === 'overlay' || name === 'copy') return { snapshotter: name };
  throw new SlipwayError('invalid-argument', 'env.snapshotter', `SLIPWAY_SNAPSHOTTER is overlay or copy, not ${name}`);
}

/** The first command after the machine stopped without warning says what that has cost. */
function reportLost(engine: Engine): Engine {
  const { images = [], containers = [] } = engine.recovered ?? {};
  const lost = [...images.map((id) => `image ${id.slice(7, 19)}`), ...containers.map((id) => `container ${id.slice(0, 12)}`)];
  if (lost.length > 0)
    process.stderr.write(
      `warning: the machine stopped before all was on the disk; lost, to be pulled or built again: ${lost.join(', ')}\n`,
    );
  return engine;
}

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

async function main(): Promise<number> {
  const abort = new AbortController();
  const interrupted = (): void => {
    // a second Ctrl-C does not wait
    if (abort.signal.aborted) process.exit(130);
    abort.abort(new SlipwayError('cancelled', 'cancelled', 'interrupted'));
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  let engine: Promise<Engine> | undefined;
  const { env } = process;
  const launcher = env['SLIPWAY_LAUNCHER'] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'slipway');
  restoreCallersEnvironment(env);
  if (env['SLIPWAY_CRASH_AT']) armCrashPoint(env['SLIPWAY_CRASH_AT']);
  const ctx: Context = {
    env,
    cwd: process.cwd(),
    // making the stream costs 4 ms, and few commands read it
    get stdin() {
      return process.stdin;
    },
    stdout: terminalSafe(process.stdout),
    stderr: terminalSafe(process.stderr),
    signal: abort.signal,
    settings: settings(env),
    selfCommand: [launcher],
    now: Date.now,
    engine: () =>
      (engine ??= import('../engine/index.ts')
        .then(({ Engine }) =>
          Engine.open({
            root: ctx.settings.root,
            run: ctx.settings.run,
            selfCommand: ctx.selfCommand,
            environment: proxies(env),
            registries: registrySettings(env, homedir()),
            ...cacheLimit(env),
            ...(env['SLIPWAY_RUNTIME'] && { runtime: env['SLIPWAY_RUNTIME'] }),
            ...snapshotter(env['SLIPWAY_SNAPSHOTTER']),
          }),
        )
        .then(reportLost)),
  };
  for (const stream of [process.stdout, process.stderr]) {
    // whoever reads may stop reading
    stream.on('error', (e: NodeJS.ErrnoException) => process.exit(e.code === 'EPIPE' ? 0 : 1));
  }
  let usual = 1;
  try {
    const words = callersWords(process.argv.slice(2));
    const found = findCommand(words);
    if (found.kind === 'help') {
      process.stdout.write(programHelp(found.group, process.stdout.columns));
      return found.exitCode;
    }
    const entry: Entry = found.entry;
    const command = await entry.load();
    usual = command.failureExitCode ?? 1;
    const { options, args, help } = parseArgs(entry.path, command, found.rest);
    if (help) {
      process.stdout.write(commandHelp(entry.path, command, process.stdout.columns));
      return 0;
    }
    return (await command.run(ctx, options, args)) ?? 0;
  } catch (e) {
    return reportError(ctx, e, usual);
  } finally {
    try {
      (await engine?.catch(() => undefined))?.close();
    } catch (e) {
      // the command has ended as it has: this is said beside it
      reportError(ctx, e, usual);
    }
  }
}

void main().then((exitCode) => {
  process.exitCode = exitCode;
  // a stream that nobody ends (standard input) must not keep the program
  if (!process.stdout.writableLength && !process.stderr.writableLength) process.exit();
  process.stdout.once('drain', () => process.exit());
});
