// What all commands of builds have in common: `--builder`, which is this machine unless a build names others by their addresses, and `-D`.
import { SlipwayError } from '../model/index.ts';
import type { Command, Option, ParsedOptions } from './command.ts';

const BUILDER: Option = {
  name: 'builder',
  type: 'string',
  placeholder: 'name',
  help: 'Builder to use: default, or for a build the addresses of others (unix://, tcp://)',
};
const DEBUG: Option = { name: 'debug', short: 'D', type: 'boolean', help: 'Show where in Slipway an error comes from' };
/** `build --debug` opens a shell. */
const BUILD_DEBUG: Option = { ...DEBUG, name: 'debug-log' };

/** @throws SlipwayError `cli.no-builder` */
export function checkBuilder(name: string | undefined): void {
  if (name === undefined || name === '' || name === 'default') return;
  throw new SlipwayError('not-found', 'cli.no-builder', `no builder ${JSON.stringify(name)} found`, {
    hints: ['slipway builds on this machine: its one builder is called default'],
  });
}

/** The addresses of builders elsewhere, of `--builder` or SLIPWAY_BUILDERS; none for this machine. */
export function buildersOf(o: ParsedOptions, env: NodeJS.ProcessEnv): string[] {
  const given = o.string('builder') ?? env['SLIPWAY_BUILDERS'] ?? '';
  return given.includes('://') ? given.split(',').filter((address) => address !== '') : [];
}

/** A command with the flags that it shares with all others on builds. */
export function withBuilderFlags(command: Command): Command {
  const debug = command.options.some((o) => o.name === 'debug') ? BUILD_DEBUG : DEBUG;
  return {
    ...command,
    options: [...command.options, BUILDER, debug],
    run(ctx, o, args) {
      const builder = o.string('builder');
      // a build is the one thing that other machines can do
      if (command.name !== 'build' || builder?.includes('://') !== true) checkBuilder(builder);
      if (o.bool(debug.name)) (ctx.env as NodeJS.ProcessEnv)['SLIPWAY_DEBUG'] = '1';
      return command.run(ctx, o, args);
    },
  };
}
