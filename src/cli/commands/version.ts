// `version`.
import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';

export const version: Command = {
  name: 'version',
  summary: 'Show the version',
  usage: '',
  examples: ['slipway version'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    // beside bin/slipway, whether the program runs from its bundle or from the sources
    const manifest = JSON.parse(readFileSync(new URL('../package.json', `file://${ctx.selfCommand[0] ?? ''}`), 'utf8')) as {
      version: string;
    };
    ctx.stdout.write(`slipway ${manifest.version} (Node ${process.versions.node}, ${process.platform}/${process.arch})\n`);
  },
};
