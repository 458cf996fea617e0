// The `until` of prune filters.
import { SlipwayError } from '../model/index.ts';
import { parseDuration } from '../util/index.ts';
import type { Context } from './command.ts';

/** A time: a span before now, or a date. */
export function untilOf(ctx: Pick<Context, 'now'>, text: string | undefined): { until?: number } {
  const span = text === undefined ? undefined : parseDuration(text);
  const until = text === undefined ? undefined : span === undefined ? Date.parse(text) : ctx.now() - span / 1e6;
  if (until !== undefined && Number.isNaN(until))
    throw new SlipwayError('invalid-argument', 'cli.filter', `invalid value for until: ${text}`);
  return until === undefined ? {} : { until };
}
