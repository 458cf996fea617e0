// `build --test`: runs the test stages of a Dockerfile, and says which failed and why.
import { resolve } from 'node:path';
import type { BuildRequest, Caches, Caller, StageTest, TestResult } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { writeOutput } from '../../sys/index.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { openDisplay } from '../progress/index.ts';
import { reportJunit, resultText, summaryText } from '../test-report.ts';
import { performBuild } from './perform.ts';

export type TestMode = 'first' | 'only';

/** Undefined: no tests are asked for. @throws invalid-argument `flag.test` */
export function testMode(o: ParsedOptions): TestMode | undefined {
  const text = o.string('test');
  if (o.string('test-output') !== undefined && (text === undefined || text === 'false'))
    throw new SlipwayError('invalid-argument', 'flag.test', '--test-output without --test', { exitCode: 125 });
  if (text === undefined || text === 'false') return undefined;
  if (text === 'first' || text === 'true') return 'first';
  if (text === 'only') return 'only';
  throw new SlipwayError('invalid-argument', 'flag.test', `invalid argument "${text}" for "--test": first or only`, { exitCode: 125 });
}

/** Whether all passed. */
export async function runStageTests(
  ctx: Context,
  o: ParsedOptions,
  request: BuildRequest,
  caller: Omit<Caller, 'onEvent'>,
  { progress, caches }: { readonly progress: string; readonly caches: Caches | undefined },
): Promise<boolean> {
  const display = openDisplay(progress, ctx, 'graph', o.bool('explain'));
  let results: readonly StageTest[];
  try {
    const onEvent = display.event.bind(display);
    results = await performBuild(ctx, { kind: 'test', request, ...(caches && { caches }) }, { ...caller, onEvent });
    display.end(false);
  } catch (e) {
    display.end(true);
    throw e;
  }
  const shown = results.map((test): TestResult => ({
    name: test.name,
    kind: 'stage',
    problems: test.problem === undefined ? [] : [test.problem, ...(test.log?.split('\n') ?? [])],
    ms: test.ms,
  }));
  const color = ctx.settings.color && ctx.stderr.isTTY;
  ctx.stderr.write(`\n${shown.map((result) => resultText(result, color)).join('')}${summaryText(shown)}`);
  const output = o.string('test-output');
  if (output !== undefined) await writeOutput(resolve(ctx.cwd, output), reportJunit(request.name ?? 'build', shown), ctx.signal);
  return results.every(({ problem }) => problem === undefined);
}
