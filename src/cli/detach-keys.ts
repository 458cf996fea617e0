// `--detach-keys`: the keys that leave a container to itself.
import { parseKeys } from '../engine/index.ts';
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

/** As bytes; undefined for no keys. @throws SlipwayError `cli.detach-keys` */
export function parseDetachKeys(text: string): readonly number[] | undefined {
  if (text === '') return undefined;
  const parsed = parseKeys(text);
  if ('keys' in parsed) return parsed.keys;
  throw new SlipwayError(
    'invalid-argument',
    'cli.detach-keys',
    invalidValue('--detach-keys', text, `unknown key ${JSON.stringify(parsed.unknown)}`),
    { exitCode: 125, hints: ['keys are characters and ctrl- with a letter or one of @[\\]^_, as in ctrl-e,e'] },
  );
}

/** Those of the command line, or else of the user's configuration; undefined for the usual ones. @throws SlipwayError `cli.detach-keys` */
export function detachKeysOf(ctx: Context, o: ParsedOptions): readonly number[] | undefined {
  return parseDetachKeys(o.string('detach-keys') || configuredDetachKeys(ctx.env));
}
