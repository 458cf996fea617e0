// The filter `until`.
import { SlipwayError } from '../model/index.ts';
import type { Context } from './command.ts';
import { parseMoment } from './moment.ts';

/** A time: a span before now, seconds since the epoch, or a date. @throws SlipwayError `cli.filter` */
export function untilOf(ctx: Pick<Context, 'now'>, text: string | undefined): { until?: number } {
  if (text === undefined) return {};
  const until = parseMoment(ctx, text);
  if (until === undefined)
    throw new SlipwayError('invalid-argument', 'cli.filter', `failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return { until };
}
