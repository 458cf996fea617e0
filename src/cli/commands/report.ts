// `builder report`: a build as a page that stands by itself.
import { resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { writeOutput } from '../../sys/index.ts';
import { pageDocument, reportData } from '../../ui/index.ts';
import type { Command } from '../command.ts';

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
    const data = await reportData(engine, ref, {
      now: ctx.now(),
      signal: ctx.signal,
      compare: o.string('compare'),
      beside: o.string('beside'),
    });
    const page = pageDocument(`${data.build.tags[0] ?? data.build.name}: build ${data.build.ref.slice(0, 12)}`, data);
    if (output === undefined) ctx.stdout.write(page);
    else await writeOutput(resolve(ctx.cwd, output), page, ctx.signal);
  },
};
