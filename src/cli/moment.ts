// Times on a command line, in Docker's notations: `10m` ago, seconds since the epoch, or a date.
import { SlipwayError } from '../model/index.ts';
import { parseDuration } from '../util/index.ts';
import type { Context, ParsedOptions } from './command.ts';

/** In ms since the epoch; undefined for what is no time. */
export function parseMoment(ctx: Pick<Context, 'now'>, text: string): number | undefined {
  const span = parseDuration(text);
  const at = span === undefined ? (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)) : ctx.now() - span / 1e6;
  return Number.isNaN(at) ? undefined : at;
}

/** The time that the flag `name` gives, in ms since the epoch. @throws SlipwayError `cli.time` */
export function momentOf(ctx: Pick<Context, 'now'>, o: ParsedOptions, name: string): number | undefined {
  const text = o.string(name);
  if (text === undefined || text === '') return undefined;
  const at = parseMoment(ctx, text);
  if (at !== undefined) return at;
  throw new SlipwayError(
    'invalid-argument',
    'cli.time',
    `invalid value for "${name}": failed to parse value as time or duration: ${JSON.stringify(text)}`,
  );
}
