// Flags that stand before a command's name, as Docker's do: `-D`, `--config`, `--context`, and the ones of a daemon, of which there is none.
import { SlipwayError } from '../model/index.ts';

/** Spelled short. */
const SHORT: Readonly<Record<string, string>> = { D: 'debug', H: 'host', c: 'context', l: 'log-level' };
const SWITCHES = new Set(['debug', 'tls', 'tlsverify']);
const WITH_VALUE = new Set(['config', 'context', 'host', 'log-level', 'tlscacert', 'tlscert', 'tlskey']);
const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic']);

const flagError = (message: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'cli.flag', message, { hints: ['slipway --help lists all commands'], exitCode: 125 });

/**
 * Takes these flags off a command line, and sets in `env` what they say. Help and version are left: they are commands.
 *
 * @throws SlipwayError `cli.flag`, `cli.context`, `cli.daemon`
 */
export function takeGlobalFlags(words: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const rest = [...words];
  while (rest[0]?.startsWith('-') && !['-h', '--help', '-v', '--version'].includes(rest[0])) {
    const word = rest.shift() ?? '';
    const [, long, short, attached] = /^(?:--([^=]*)|-(.)=?)(.*)$/s.exec(word) ?? [];
    const name = long ?? SHORT[short ?? ''];
    if (name === undefined) throw flagError(`unknown shorthand flag: '${short ?? ''}' in ${word}`);
    const given = long === undefined ? attached || undefined : attached?.startsWith('=') ? attached.slice(1) : undefined;
    if (SWITCHES.has(name)) {
      if (given !== 'false') honour(name, given ?? 'true', env);
      continue;
    }
    if (!WITH_VALUE.has(name)) throw flagError(`unknown flag: --${name}`);
    const value = given ?? rest.shift();
    if (value === undefined) throw flagError(`flag needs an argument: ${long === undefined ? `'${short}' in ${word}` : `--${name}`}`);
    honour(name, value, env);
  }
  return rest;
}

function honour(name: string, value: string, env: NodeJS.ProcessEnv): void {
  switch (name) {
    case 'debug':
      env['SLIPWAY_DEBUG'] = '1';
      return;
    case 'config':
      env['DOCKER_CONFIG'] = value;
      return;
    case 'log-level':
      // Slipway writes no log of its own: all that a level can add is where a bug of it stands
      if (!LEVELS.has(value)) throw new SlipwayError('invalid-argument', 'cli.log-level', `Unable to parse logging level: ${value}`);
      if (value === 'debug' || value === 'trace') env['SLIPWAY_DEBUG'] = '1';
      return;
    case 'context':
      if (value === 'default') return;
      throw new SlipwayError('not-found', 'cli.context', `context ${JSON.stringify(value)}: context not found`, {
        hints: ['slipway works on this machine alone: there is the context default'],
      });
    default:
      throw new SlipwayError('unsupported', 'cli.daemon', `--${name} is for talking to a daemon, and slipway needs none`, {
        hints: ['leave it out: the store is chosen by SLIPWAY_ROOT'],
        exitCode: 125,
      });
  }
}
