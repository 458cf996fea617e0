// `--detach-keys`: the keys that leave a container to itself.
import { SlipwayError } from '../model/index.ts';
import { invalidValue } from './args.ts';
import type { Context, Option, ParsedOptions } from './command.ts';
import { configuredDetachKeys } from './user-config.ts';

export const DETACH_KEYS: Option = {
  name: 'detach-keys',
  type: 'string',
  placeholder: 'keys',
  help: 'Keys that leave the container running (ctrl-p,ctrl-q)',
};

/** From 0: Ctrl-@, Ctrl-A to Ctrl-Z, and what follows in ASCII. */
const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * Keys by commas, each a character or `ctrl-` with a letter or one of `@[\]^_`, as bytes; undefined for no keys.
 * @throws SlipwayError `cli.detach-keys`
 */
export function parseDetachKeys(text: string): number[] | undefined {
  if (text === '') return undefined;
  return text.split(',').map((key) => {
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/i.exec(key)?.[1];
    const code = control === undefined ? -1 : CONTROL.indexOf(control.toLowerCase());
    if (code >= 0) return code;
    throw new SlipwayError(
      'invalid-argument',
      'cli.detach-keys',
      invalidValue('--detach-keys', text, `unknown key ${JSON.stringify(key)}`),
      { exitCode: 125, hints: ['keys are characters and ctrl- with a letter or one of @[\\]^_, as in ctrl-e,e'] },
    );
  });
}

/** Those of the command line, or else of the user's configuration; undefined for the usual ones. @throws SlipwayError `cli.detach-keys` */
export function detachKeysOf(ctx: Context, o: ParsedOptions): number[] | undefined {
  return parseDetachKeys(o.string('detach-keys') || configuredDetachKeys(ctx.env));
}
