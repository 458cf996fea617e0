// `builder report`: a build as a page that stands by itself.
import { resolve } from 'node:path';
import { buildHistory, type Engine, imageMap, type ImageMap } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { writeOutput } from '../../sys/index.ts';
import { pageData, pageDocument } from '../../ui/index.ts';
import type { Command, Context } from '../command.ts';

/** Builds of the past that the page shows. */
const MOST_PAST = 50;

export const report: Command = {
  name: 'builder report',
  summary: 'Write a build as a page of HTML: graph, timeline, reasons, output, image',
  usage: '[OPTIONS] [BUILD]',
  examples: ['slipway builder report -o report.html', 'slipway builder report --compare ^5 --beside golang:1.22 -o report.html ^0'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'output', short: 'o', type: 'string', placeholder: 'file', help: 'The file to write; standard output when it is no terminal' },
    {
      name: 'compare',
      type: 'string',
      placeholder: 'build',
      help: 'The build to compare it with (the one of the Dockerfile before); none for none',
    },
    { name: 'beside', type: 'string', placeholder: 'image', help: 'An image to be seen beside the one that was built, such as its SDK' },
  ],
  async run(ctx, o, [ref = '^0']) {
    const output = o.string('output');
    if (output === undefined && ctx.stdout.isTTY)
      throw new SlipwayError('invalid-argument', 'cli.output', 'a page is not for a terminal', {
        exitCode: 125,
        hints: ['-o report.html'],
      });
    const engine = await ctx.engine();
    const history = await buildHistory(engine, ctx.now());
    const build = history.find(ref);
    const past = history.list().filter(({ record: r }) => r.identity === build.record.identity && r.target === build.record.target);
    const compare = o.string('compare');
    const earlier = past.find(({ record: r }) => r.startedAt < build.record.startedAt && r.status !== 'running');
    const before = compare === 'none' ? undefined : compare === undefined ? earlier : history.find(compare);
    const beside = o.string('beside');
    const [id] = build.record.images;
    const image = id === undefined ? undefined : await mapOf(ctx, engine, id, build.record.tags[0] ?? id.slice(7, 19));
    const otherImage = beside === undefined ? undefined : await imageMap(engine, beside, { signal: ctx.signal });
    const data = pageData({ build, log: history.log(build.record.ref), before, past: past.slice(0, MOST_PAST), image, otherImage });
    const page = pageDocument(`${data.build.tags[0] ?? data.build.name}: build ${data.build.ref.slice(0, 12)}`, data);
    if (output === undefined) ctx.stdout.write(page);
    else await writeOutput(resolve(ctx.cwd, output), page, ctx.signal);
  },
};

/** Undefined when the image is not here any more. */
async function mapOf(ctx: Context, engine: Engine, id: string, name: string): Promise<ImageMap | undefined> {
  try {
    return { ...(await imageMap(engine, id, { signal: ctx.signal })), name };
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'image.not-found') return undefined;
    throw e;
  }
}
