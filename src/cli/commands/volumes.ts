// Commands on volumes: ls, create, rm.
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Command } from '../command.ts';
import { labels } from '../build/values.ts';
import { renderRows } from '../format.ts';

export const volumeLs: Command = {
  name: 'volume ls',
  summary: 'List volumes',
  usage: '[OPTIONS]',
  examples: ['slipway volume ls', 'slipway volume ls -q'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show names only' },
  ],
  async run(ctx, o) {
    const { volumes } = await (await ctx.engine()).containers();
    const rows = volumes.list().map((v) => ({ Driver: 'local', Name: v.name, Mountpoint: v.mountpoint }));
    if (o.bool('quiet')) return void ctx.stdout.write(rows.map((r) => `${r.Name}\n`).join(''));
    ctx.stdout.write(
      renderRows(
        rows,
        [
          { head: 'DRIVER', field: 'Driver' },
          { head: 'VOLUME NAME', field: 'Name' },
        ],
        o.string('format'),
      ),
    );
  },
};

export const volumeCreate: Command = {
  name: 'volume create',
  summary: 'Make a volume',
  usage: '[OPTIONS] [VOLUME]',
  examples: ['slipway volume create data'],
  args: { min: 0, max: 1 },
  options: [{ name: 'label', type: 'list', placeholder: 'key=value', help: 'Set metadata' }],
  async run(ctx, o, args) {
    const { volumes } = await (await ctx.engine()).containers();
    ctx.stdout.write(`${volumes.create(args[0], ctx.now(), labels(o.list('label'))).name}\n`);
  },
};

export const volumeRm: Command = {
  name: 'volume rm',
  summary: 'Remove volumes',
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  examples: ['slipway volume rm data'],
  args: { min: 1 },
  options: [{ name: 'force', short: 'f', type: 'boolean', help: 'No error when there is none' }],
  async run(ctx, o, args) {
    const containers = await (await ctx.engine()).containers();
    let failed = 0;
    for (const name of args) {
      try {
        const user = containers.records.all().find((c) => c.mounts.some((m) => m.name === name));
        if (user) throw new SlipwayError('conflict', 'volume.in-use', `remove ${name}: volume is in use - [${user.id}]`);
        containers.volumes.remove(name);
        ctx.stdout.write(`${name}\n`);
      } catch (e) {
        if (!isSlipwayError(e)) throw e;
        if (e.kind === 'not-found' && o.bool('force')) continue;
        failed++;
        ctx.stderr.write(`error: ${e.message}\n`);
      }
    }
    return failed > 0 ? 1 : 0;
  },
};
