// Commands on builders, as buildx has them. There is one, this machine, which is always on.
import { formatPlatform, hostPlatform } from '../../model/index.ts';
import { checkBuilder } from '../builder-flags.ts';
import type { Command, Context } from '../command.ts';
import { renderRows } from '../format.ts';
import { goTime } from '../go-time.ts';
import { table } from '../table.ts';
import { versionNumber } from './version.ts';

const NAME = 'default';
const DRIVER = 'slipway';
const NODE = ` \\_ ${NAME}`;

const COLUMNS = [
  { head: 'NAME/NODE', field: 'Name' },
  { head: 'DRIVER/ENDPOINT', field: 'DriverEndpoint' },
  { head: 'STATUS', field: 'Status' },
  { head: 'BUILDKIT', field: 'Buildkit' },
  { head: 'PLATFORMS', field: 'Platforms' },
] as const;

export const builderLs: Command = {
  name: 'builder ls',
  summary: 'List builders',
  usage: '[OPTIONS]',
  examples: ['slipway buildx ls', "slipway buildx ls --format '{{.Name}}'"],
  args: { min: 0, max: 0 },
  options: [
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate platforms' },
  ],
  async run(ctx, o) {
    const format = o.string('format');
    if (format === 'json')
      return void ctx.stdout.write(
        `${JSON.stringify({ Current: true, Driver: DRIVER, Dynamic: false, Name: NAME, Nodes: [{ Name: NAME, Endpoint: NAME, Status: 'running', Version: versionNumber(ctx), Platforms: [formatPlatform(hostPlatform())] }] })}\n`,
      );
    const rows = [
      { Name: `${NAME}*`, DriverEndpoint: DRIVER, Status: '', Buildkit: '', Platforms: '' },
      { Name: NODE, DriverEndpoint: NODE, Status: 'running', Buildkit: versionNumber(ctx), Platforms: formatPlatform(hostPlatform()) },
    ];
    // a template sees the bare names
    const bare = rows.map((r) => ({ ...r, Name: NAME, DriverEndpoint: r.Name === NODE ? NAME : DRIVER }));
    ctx.stdout.write(renderRows(format === undefined || format === '' || format === 'table' ? rows : bare, COLUMNS, format));
  },
};

export const builderInspect: Command = {
  name: 'builder inspect',
  summary: 'Show the builder',
  usage: '[OPTIONS] [NAME]',
  examples: ['slipway buildx inspect', 'slipway buildx inspect --bootstrap'],
  args: { min: 0, max: 1 },
  options: [{ name: 'bootstrap', type: 'boolean', help: 'Start the builder first; it is always available' }],
  async run(ctx, _, [name]) {
    checkBuilder(name);
    const last = await lastBuild(ctx);
    ctx.stdout.write(
      `${table(
        [['Name:', NAME], ['Driver:', DRIVER], ...(last === undefined ? [] : [['Last Activity:', goTime(last)]])],
        1,
      )}\nNodes:\n${table(
        [
          ['Name:', NAME],
          ['Endpoint:', NAME],
          ['Status:', 'running'],
          ['BuildKit version:', versionNumber(ctx)],
          ['Platforms:', formatPlatform(hostPlatform())],
        ],
        1,
      )}`,
    );
  },
};

async function lastBuild(ctx: Context): Promise<number | undefined> {
  const { buildHistory } = await import('../../engine/index.ts');
  return (await buildHistory(await ctx.engine(), ctx.now())).list()[0]?.record.startedAt;
}

export const builderUse: Command = {
  name: 'builder use',
  summary: 'Select the builder',
  usage: '[OPTIONS] NAME',
  examples: ['slipway buildx use default', 'slipway buildx use --default default'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'default', type: 'boolean', help: 'Select it for the current context' },
    { name: 'global', type: 'boolean', help: 'Select it for all contexts' },
  ],
  async run(_ctx, _o, [name]) {
    checkBuilder(name);
  },
};

export const builderStop: Command = {
  name: 'builder stop',
  summary: 'Stop a builder; nothing runs between builds',
  usage: '[NAME]',
  examples: ['slipway buildx stop', 'slipway buildx stop default'],
  args: { min: 0, max: 1 },
  options: [],
  async run(_ctx, _o, [name]) {
    checkBuilder(name);
  },
};
