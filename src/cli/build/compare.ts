// `build --compare`: one Dockerfile by both engines, side by side.
import { compareEngines, type Engine, type EngineRun, type BuildJob } from '../../engine/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { openDisplay } from '../progress/index.ts';
import { seconds } from '../progress/display.ts';
import { table } from '../table.ts';

export async function compare(ctx: Context, o: ParsedOptions, engine: Engine, request: BuildJob, progress: string): Promise<void> {
  const screens: { end(failed: boolean): void }[] = [];
  const json = o.string('format') === 'json';
  // the output of builds goes where progress goes, so that the table alone is on standard output
  const aside: Context = Object.create(ctx, { stdout: { value: ctx.stderr } }) as Context;
  try {
    const runs = await compareEngines(engine, request, (which) => {
      screens.pop()?.end(false);
      if (progress !== 'quiet') ctx.stderr.write(`${which === 'classic' ? '== the original engine' : '\n== the graph engine'}\n`);
      const display = openDisplay(progress, aside, which, o.bool('explain'));
      screens.push(display);
      return (e) => display.event(e);
    });
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
