// `build --compare`: one Dockerfile by both engines, side by side.
import type { BuildEvent, BuildRequest, Caller, EngineRun } from '../../engine/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { openDisplay } from '../progress/index.ts';
import { performBuild } from './perform.ts';
import { type BuildDisplay, seconds } from '../progress/display.ts';
import { table } from '../table.ts';

export async function compare(
  ctx: Context,
  o: ParsedOptions,
  request: BuildRequest,
  caller: Omit<Caller, 'onEvent'>,
  progress: string,
): Promise<void> {
  const screens: BuildDisplay[] = [];
  const json = o.string('format') === 'json';
  // the output of builds goes where progress goes, so that the table alone is on standard output
  const aside: Context = Object.create(ctx, { stdout: { value: ctx.stderr } }) as Context;
  const show = (e: BuildEvent): void => {
    if (e.type !== 'engine') return screens.at(-1)?.event(e);
    screens.pop()?.end(false);
    if (progress !== 'quiet') ctx.stderr.write(`${e.engine === 'classic' ? '== the original engine' : '\n== the graph engine'}\n`);
    screens.push(openDisplay(progress, aside, e.engine, o.bool('explain')));
  };
  try {
    const runs = await performBuild(ctx, { kind: 'compare', request }, { ...caller, onEvent: show });
    screens.pop()?.end(false);
    ctx.stdout.write(json ? `${JSON.stringify(runs, null, 2)}\n` : `${comparison(runs)}\nboth ran every step: neither used its cache\n`);
  } catch (e) {
    screens.pop()?.end(true);
    throw e;
  }
}

function comparison(runs: readonly EngineRun[]): string {
  const row = (name: string, value: (r: EngineRun) => string): string[] => [name, ...runs.map(value)];
  return table([
    ['', ...runs.map((r) => (r.engine === 'classic' ? 'ORIGINAL' : 'GRAPH'))],
    row('steps run', (r) => String(r.stepsRun)),
    row('steps from the cache', (r) => String(r.stepsCached)),
    row('stages skipped', (r) => (r.skipped.length === 0 ? 'none' : r.skipped.join(', '))),
    row('wall time', (r) => seconds(r.wallMs)),
    row('images left', (r) => String(r.imagesLeft)),
    row('size of the image', (r) => formatBytes(r.size)),
  ]);
}
