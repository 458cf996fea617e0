// What the inspect commands do with their arguments: each is looked for, what is missing is reported, and the rest is printed as JSON or by a template.
import type { Engine } from '../engine/index.ts';
import { isSlipwayError } from '../model/index.ts';
import { printableJson } from '../util/index.ts';
import type { Context, ParsedOptions } from './command.ts';
import { compileTemplate } from './template/index.ts';

/** What is printed of a value when no template is given, where that is not what templates see. */
export const WHOLE = Symbol('whole');

/** The JSON of Docker's API for what a name stands for. */
export type Find = (engine: Engine, ref: string, o: { size: boolean }) => Promise<Record<string, unknown> | undefined>;

export interface Finder {
  readonly find: Find;
  /** The message when nothing is found; the last finder's is used. */
  readonly missing: (ref: string) => string;
}

export async function show(ctx: Context, o: ParsedOptions, refs: readonly string[], finders: readonly Finder[]): Promise<number> {
  const format = o.string('format') ?? '';
  const render = format === '' || format === 'json' ? undefined : parsed(format);
  const engine = await ctx.engine();
  const found: Record<string, unknown>[] = [];
  const missing: string[] = [];
  for (const ref of refs) {
    let one: Record<string, unknown> | undefined;
    for (const { find } of finders) one ??= await find(engine, ref, { size: o.bool('size') });
    if (one) found.push(one);
    else missing.push(finders.at(-1)?.missing(ref) ?? ref);
  }
  if (render) for (const one of found) ctx.stdout.write(`${rendered(ctx, () => render(one))}\n`);
  // Docker prints nothing but a line feed when a template finds nothing to apply to
  if (render && found.length === 0) ctx.stdout.write('\n');
  if (!render)
    ctx.stdout.write(`${printableJson(JSON.stringify(format === 'json' ? found : found.map(whole), null, format === 'json' ? 0 : 4))}\n`);
  for (const message of missing) ctx.stderr.write(`error: ${message}\n`);
  return missing.length > 0 ? 1 : 0;
}

const whole = (value: Record<string | symbol, unknown>): unknown => value[WHOLE] ?? value;

/** Docker's inspect ends with 64 where a template cannot be read. */
function parsed(format: string): ReturnType<typeof compileTemplate> {
  try {
    return compileTemplate(format, 'template parsing error');
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw e.withContext({ exitCode: 64 });
  }
}

/** Where a template cannot be applied, Docker ends the line of output before it says so. */
function rendered(ctx: Context, render: () => string): string {
  try {
    return render();
  } catch (e) {
    ctx.stdout.write('\n');
    throw e;
  }
}
