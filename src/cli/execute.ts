// One command line, from its words to its exit code: finds the command, gives it what it may use, runs it, and reports its failure.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { parseArgs } from './args.ts';
import type { Context, Output, Settings } from './command.ts';
import { ENTRIES, type Entry, findCommand, unknownCommand } from './commands/index.ts';
import { reportError } from './errors.ts';
import { takeGlobalFlags } from './global-flags.ts';
import { commandHelp, programHelp } from './help.ts';
import { cacheLimit, proxies, registrySettings } from './registries.ts';

/** What a command line is given by whoever runs it. */
export interface Surroundings extends Pick<Context, 'cwd' | 'stdin' | 'stdout' | 'stderr' | 'signal' | 'selfCommand'> {
  readonly env: NodeJS.ProcessEnv;
}

/** Runs one command line. @returns its exit code */
export async function execute(o: Surroundings, line: readonly string[]): Promise<number> {
  const { env } = o;
  let engine: Promise<Engine> | undefined;
  const ctx: Context = {
    env,
    get cwd() {
      return o.cwd;
    },
    stdout: o.stdout,
    stderr: o.stderr,
    signal: o.signal,
    selfCommand: o.selfCommand,
    // making the stream costs 4 ms, and few commands read it
    get stdin() {
      return o.stdin;
    },
    settings: settings(o),
    now: Date.now,
    engine: () =>
      (engine ??= import('../engine/index.ts')
        .then(({ Engine }) =>
          Engine.open({
            root: ctx.settings.root,
            run: ctx.settings.run,
            selfCommand: ctx.selfCommand,
            onWarning: (message) => void o.stderr.write(`WARNING: ${message}\n`),
            selfEnvironment: selfEnvironment(env, ctx.settings),
            environment: proxies(env),
            registries: registrySettings(env, homedir()),
            ...cacheLimit(env),
            ...(env['SLIPWAY_RUNTIME'] && { runtime: env['SLIPWAY_RUNTIME'] }),
            ...snapshotter(env['SLIPWAY_SNAPSHOTTER']),
          }),
        )
        .then((opened) => reportLost(opened, o.stderr))),
  };
  const columns = o.stdout.columns ?? (Number(env['COLUMNS']) || undefined);
  let usual = 1;
  try {
    const found = findCommand(takeGlobalFlags(line, env));
    if (found.kind === 'help') {
      o.stdout.write(programHelp(found.group, columns));
      return found.exitCode;
    }
    const entry: Entry = found.entry;
    const command = await entry.load();
    usual = command.failureExitCode ?? 1;
    // `lab strat`: a command that takes no arguments, and has others below it
    const [word = '-'] = found.rest;
    if (command.args.max === 0 && !word.startsWith('-') && ENTRIES.some((e) => e.path.startsWith(`${entry.path} `)))
      throw unknownCommand(`${entry.path} ${word}`);
    const { options, args, help } = parseArgs(entry.path, command, found.rest);
    if (help) {
      o.stdout.write(commandHelp(entry.path, command, columns));
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

function settings({ env, stderr }: Surroundings): Settings {
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
    color: stderr.isTTY && !env['NO_COLOR'],
    worker: !['', '0', 'false'].includes(env['SLIPWAY_WORKER'] ?? ''),
  };
}

/** For slipway that is called later by what a container left behind: the same store, and the same choices. */
function selfEnvironment(env: NodeJS.ProcessEnv, { root, run }: Settings): Record<string, string> {
  const chosen = ['SLIPWAY_RUNTIME', 'SLIPWAY_SNAPSHOTTER', 'SLIPWAY_SOURCES'].flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return { ...(Object.fromEntries(chosen) as Record<string, string>), SLIPWAY_ROOT: root, SLIPWAY_RUN: run };
}

const SNAPSHOTTERS = ['erofs', 'overlay', 'copy'] as const;

function snapshotter(name: string | undefined): { snapshotter?: (typeof SNAPSHOTTERS)[number] } {
  if (name === undefined || name === '') return {};
  const snapshotter = SNAPSHOTTERS.find((known) => known === name);
  if (snapshotter !== undefined) return { snapshotter };
  throw new SlipwayError('invalid-argument', 'env.snapshotter', `SLIPWAY_SNAPSHOTTER is erofs, overlay or copy, not ${name}`);
}

/** The first command after the machine stopped without warning says what that has cost. */
function reportLost(engine: Engine, stderr: Output): Engine {
  const { images = [], containers = [] } = engine.recovered ?? {};
  const lost = [...images.map((id) => `image ${id.slice(7, 19)}`), ...containers.map((id) => `container ${id.slice(0, 12)}`)];
  if (lost.length > 0)
    stderr.write(`warning: the machine stopped before all was on the disk; lost, to be pulled or built again: ${lost.join(', ')}\n`);
  return engine;
}
