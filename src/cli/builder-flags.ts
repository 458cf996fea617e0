// What all commands of builds have in common: `--builder`, which is this machine unless a build names others, and `-D`.
import { SlipwayError } from '../model/index.ts';
import type { Command, Option } from './command.ts';

const BUILDER: Option = {
  name: 'builder',
  type: 'string',
  placeholder: 'name',
  help: 'Builder to use: default, or for a build a set of builders, or addresses (unix://, tcp://, ssh://, dns://)',
};
const DEBUG: Option = { name: 'debug', short: 'D', type: 'boolean', help: 'Show where in Slipway an error comes from' };
/** `build --debug` opens a shell. */
const BUILD_DEBUG: Option = { ...DEBUG, name: 'debug-log' };

/** For what only this machine has. @throws SlipwayError `cli.no-builder` */
function checkBuilder(name: string | undefined, what: string): void {
  if (name === undefined || name === '' || name === 'default') return;
  throw new SlipwayError('not-found', 'cli.no-builder', `no builder ${JSON.stringify(name)} found`, {
    hints: [`only builds run elsewhere: ${what} is about this machine, whose builder is called default`],
  });
}

/** Commands that other machines have a part in. */
const KNOW_BUILDERS = new Set(['build', 'builder ls', 'builder inspect', 'builder use', 'builder create', 'builder rm', 'builder stop']);

/** A command with the flags that it shares with all others on builds. */
export function withBuilderFlags(command: Command): Command {
  const debug = command.options.some((o) => o.name === 'debug') ? BUILD_DEBUG : DEBUG;
  return {
    ...command,
    options: [...command.options, BUILDER, debug],
    run(ctx, o, args) {
      const builder = o.string('builder');
      // these look for it themselves
      if (!KNOW_BUILDERS.has(command.name)) checkBuilder(builder, command.name);
      if (o.bool(debug.name)) (ctx.env as NodeJS.ProcessEnv)['SLIPWAY_DEBUG'] = '1';
      return command.run(ctx, o, args);
    },
  };
}
