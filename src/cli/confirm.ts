// The question before something is removed for good.
import { createInterface } from 'node:readline';
import type { Context, ParsedOptions } from './command.ts';

/** Asks, unless `--force` is given; without an answer it is a no. `between` parts the question from the warning. */
export async function confirmed(ctx: Context, o: ParsedOptions, warning: string, between = '\n'): Promise<boolean> {
  if (o.bool('force')) return true;
  ctx.stdout.write(`WARNING! ${warning}${between}Are you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: ctx.stdin });
  for await (const line of lines) return /^y(es)?$/i.test(line.trim());
  return false;
}
