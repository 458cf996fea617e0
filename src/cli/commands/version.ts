// `version`.
import { readFileSync } from 'node:fs';
import type { Command, Context } from '../command.ts';

export const version: Command = {
  name: 'version',
  summary: 'Show the version',
  usage: '[OPTIONS]',
  examples: ['slipway version', "slipway version --format '{{.Client.Version}}'"],
  args: { min: 0, max: 0 },
  options: [{ name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' }],
  async run(ctx, o) {
    const number = versionNumber(ctx);
    const format = o.string('format');
    if (!format) return void ctx.stdout.write(`slipway ${number} (Node ${process.versions.node}, ${process.platform}/${process.arch})\n`);
    // one program is both sides; the platform is named as Go does
    const side = { Version: number, Os: 'linux', Arch: process.arch === 'x64' ? 'amd64' : process.arch };
    const value = { Client: side, Server: side };
    if (format === 'json') return void ctx.stdout.write(`${JSON.stringify(value)}\n`);
    const { compileTemplate } = await import('../template/index.ts');
    ctx.stdout.write(`${compileTemplate(format)(value)}\n`);
  },
};

export const builderVersion: Command = {
  name: 'builder version',
  summary: 'Show the version',
  usage: '',
  examples: ['slipway builder version', 'slipway buildx version'],
  args: { min: 0, max: 0 },
  options: [],
  async run(ctx) {
    ctx.stdout.write(`slipway ${versionNumber(ctx)}\n`);
  },
};

/** From the manifest beside bin/slipway, whether the program runs from its bundle or from the sources. */
export function versionNumber(ctx: Context): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', `file://${ctx.selfCommand[0] ?? ''}`), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
