// What all commands of builds have in common: `--builder`, which can only be this machine, and `-D`.
import { SlipwayError } from '../model/index.ts';
import type { Command, Option } from './command.ts';

const BUILDER: Option = { name: 'builder', type: 'string', placeholder: 'name', help: 'Builder to use; only default exists' };
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

/** A command with the flags that it shares with all others on builds. */
export function withBuilderFlags(command: Command): Command {
  const debug = command.options.some((o) => o.name === 'debug') ? BUILD_DEBUG : DEBUG;
  return {
    ...command,
    options: [...command.options, BUILDER, debug],
    run(ctx, o, args) {
      checkBuilder(o.string('builder'));
      if (o.bool(debug.name)) (ctx.env as NodeJS.ProcessEnv)['SLIPWAY_DEBUG'] = '1';
      return command.run(ctx, o, args);
    },
  };
}
