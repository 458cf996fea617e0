// `completion`: what makes a shell complete command lines, and the hidden command that it asks.
import { SlipwayError } from '../../model/index.ts';
import { printable } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { complete } from '../completion/complete.ts';
import { SCRIPTS } from '../completion/scripts.ts';
import { wordsOf } from '../completion/words.ts';

export const completion: Command = {
  name: 'completion',
  summary: 'Print the completion script for bash, zsh or fish',
  usage: 'SHELL',
  examples: ['source <(slipway completion bash)', 'slipway completion fish > ~/.config/fish/completions/slipway.fish'],
  args: { min: 1, max: 1 },
  options: [],
  async run(ctx, _o, [shell = '']) {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined)
      throw new SlipwayError('invalid-argument', 'cli.shell', `there is no completion for ${shell}`, {
        hints: [`there is one for ${Object.keys(SCRIPTS).join(', ')}`],
      });
    ctx.stdout.write(script);
  },
};

/** Prints each candidate with what it is, and `:none`, `:files` or `:folders` in the end. */
export const completeWords: Command = {
  name: '__complete',
  summary: 'Complete a command line',
  usage: '-- WORD...',
  examples: ['slipway __complete -- image ins'],
  args: { min: 0 },
  options: [{ name: 'line', type: 'boolean', help: 'The argument is the whole command line' }],
  async run(ctx, o, args) {
    const { candidates, files } = await complete(ctx, o.bool('line') ? wordsOf(args.join(' ')) : args);
    const lines = candidates.map((c) => `${printable(c.text)}\t${printable(c.about).replaceAll(/\s+/g, ' ')}\n`);
    ctx.stdout.write(`${lines.join('')}:${files}\n`);
  },
};
