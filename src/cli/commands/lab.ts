// `lab`: multi-stage builds learnt by doing, chapter by chapter.
import { homedir } from 'node:os';
import type { Command } from '../command.ts';
import { Lab } from '../lab/lab.ts';
import { table } from '../table.ts';

const chapter = { usage: '[CHAPTER]', args: { min: 0, max: 1 }, options: [] } as const;

export const labList: Command = {
  name: 'lab list',
  summary: 'List the chapters of the lab and your progress',
  usage: '',
  examples: ['slipway lab list', 'slipway lab'],
  args: { min: 0, max: 0 },
  options: [],
  run(ctx) {
    ctx.stdout.write(table([['CHAPTER', 'TITLE', 'TIME', 'STATE'], ...new Lab(ctx, homedir()).list()]));
    return Promise.resolve(0);
  },
};

export const labStart: Command = {
  name: 'lab start',
  summary: 'Start a chapter: create its files and show the task',
  usage: 'CHAPTER [FOLDER]',
  examples: ['slipway lab start 1', 'slipway lab start 5 ~/learning/go'],
  args: { min: 1, max: 2 },
  options: [],
  run(ctx, _o, [which = '', folder]) {
    ctx.stdout.write(new Lab(ctx, homedir()).start(which, folder));
    return Promise.resolve(0);
  },
};

export const labCheck: Command = {
  name: 'lab check',
  summary: 'Check what you did in a chapter',
  ...chapter,
  examples: ['slipway lab check', 'slipway lab check 2'],
  async run(ctx, _o, [which]) {
    const { text, passed } = await new Lab(ctx, homedir()).check(which);
    ctx.stdout.write(text);
    return passed ? 0 : 1;
  },
};

export const labHint: Command = {
  name: 'lab hint',
  summary: 'Show the next hint',
  ...chapter,
  examples: ['slipway lab hint', 'slipway lab hint 6'],
  run(ctx, _o, [which]) {
    ctx.stdout.write(new Lab(ctx, homedir()).hint(which));
    return Promise.resolve(0);
  },
};

export const labSolution: Command = {
  name: 'lab solution',
  summary: 'Print the solution of a chapter',
  ...chapter,
  examples: ['slipway lab solution', 'slipway lab solution 2 | sh -e'],
  run(ctx, _o, [which]) {
    ctx.stdout.write(new Lab(ctx, homedir()).solution(which));
    return Promise.resolve(0);
  },
};

export const labReset: Command = {
  name: 'lab reset',
  summary: 'Restore the files of a chapter',
  ...chapter,
  examples: ['slipway lab reset', 'slipway lab reset 3'],
  run(ctx, _o, [which]) {
    ctx.stdout.write(new Lab(ctx, homedir()).reset(which));
    return Promise.resolve(0);
  },
};
