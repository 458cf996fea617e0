// `test`: whether an image is what files of tests say.
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type ImageTest, parseImageTests, testImage } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { readInput, reasonOf, writeOutput } from '../../sys/index.ts';
import type { Command, Context } from '../command.ts';
import { parsePolicy, withImage } from '../pulling.ts';
import { reportJson, reportJunit, resultText, summaryText } from '../test-report.ts';

const FORMATS = ['text', 'json', 'junit'] as const;

export const test: Command = {
  name: 'test',
  summary: 'Test the files, commands and settings of an image',
  usage: '[OPTIONS] IMAGE',
  examples: ['slipway test -f tests.yaml app', 'slipway test -f tests.yaml --format junit -o report.xml app'],
  args: { min: 1, max: 1 },
  options: [
    {
      name: 'file',
      short: 'f',
      type: 'list',
      placeholder: 'file',
      help: 'Tests, in the form of Slipway or of container-structure-test',
    },
    { name: 'format', type: 'string', placeholder: FORMATS.join('|'), help: 'How to print the results (text)' },
    { name: 'output', short: 'o', type: 'string', placeholder: 'file', help: 'Write them into a file, and the text to the terminal' },
    { name: 'pull', type: 'string', placeholder: 'always|missing|never', help: 'When to pull the image first (missing)' },
  ],
  async run(ctx, o, [image = '']) {
    const word = o.string('format') ?? 'text';
    const format = FORMATS.find((f) => f === word) ?? invalid(`invalid format '${word}': one of ${FORMATS.join(', ')}`);
    const files = o.list('file');
    if (files.length === 0)
      throw new SlipwayError('invalid-argument', 'cli.tests', 'no tests are given', {
        exitCode: 125,
        hints: ['name a file with -f tests.yaml'],
      });
    const tests: ImageTest[] = [];
    for (const file of files) tests.push(...parseImageTests(await textOf(ctx, file), file));
    const output = o.string('output');
    const asText = format === 'text' || output !== undefined;
    const engine = await ctx.engine();
    let text = '';
    const report = await withImage(ctx, { image }, parsePolicy(o.string('pull')), true, () =>
      testImage(engine, image, tests, {
        signal: ctx.signal,
        jobs: availableParallelism(),
        onResult: (result) => {
          text += resultText(result, false);
          if (asText) ctx.stdout.write(resultText(result, ctx.settings.color && ctx.stdout.isTTY));
        },
      }),
    );
    if (asText) ctx.stdout.write(summaryText(report.results));
    const formatted = { text: text + summaryText(report.results), json: reportJson(report), junit: reportJunit(image, report.results) }[
      format
    ];
    if (output !== undefined) await writeOutput(resolve(ctx.cwd, output), formatted, ctx.signal);
    else if (!asText) ctx.stdout.write(formatted);
    return report.results.some(({ problems }) => problems.length > 0) ? 1 : 0;
  },
};

async function textOf(ctx: Context, file: string): Promise<string> {
  try {
    return (await readInput(resolve(ctx.cwd, file), { signal: ctx.signal })).toString();
  } catch (e) {
    const why = reasonOf(e, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'ENOTREG', 'EFBIG');
    if (why === undefined) throw e;
    return invalid(`${file}: ${why}`);
  }
}

function invalid(message: string): never {
  throw new SlipwayError('invalid-argument', 'cli.tests', message, { exitCode: 125 });
}
