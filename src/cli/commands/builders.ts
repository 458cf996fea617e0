// Commands on builders, as buildx has them: this machine, which is always on, and the sets of builders elsewhere that the user has named.
import type { BuilderState } from '../../engine/index.ts';
import { formatPlatform, hostPlatform } from '../../model/index.ts';
import { BuilderSets, DEFAULT_BUILDER } from '../builder-sets.ts';
import type { Command, Context } from '../command.ts';
import { renderRows } from '../format.ts';
import { goTime } from '../go-time.ts';
import { table } from '../table.ts';
import { definedOf } from './builder-create.ts';
import { versionNumber } from './version.ts';

const COLUMNS = [
  { head: 'NAME/NODE', field: 'Name' },
  { head: 'DRIVER/ENDPOINT', field: 'DriverEndpoint' },
  { head: 'STATUS', field: 'Status' },
  { head: 'BUILDKIT', field: 'Buildkit' },
  { head: 'PLATFORMS', field: 'Platforms' },
] as const;

interface Shown {
  readonly name: string;
  readonly driver: string;
  readonly nodes: readonly { readonly name: string; readonly state: BuilderState }[];
}

/** A builder with what its nodes say; one of DNS has as many as there are addresses. @throws SlipwayError `cli.no-builder` */
async function look(ctx: Context, sets: BuilderSets, name: string): Promise<Shown> {
  if (name === DEFAULT_BUILDER) {
    const state = { address: DEFAULT_BUILDER, version: versionNumber(ctx), platforms: [formatPlatform(hostPlatform())] };
    return { name, driver: 'slipway', nodes: [{ name, state }] };
  }
  const { askBuilders } = await import('../../engine/index.ts');
  const o = { signal: ctx.signal, environment: definedOf(ctx.env) };
  const asked = await Promise.all(sets.nodes(name).map(async (node) => ({ node, states: await askBuilders([node], o) })));
  return {
    name,
    driver: 'remote',
    nodes: asked.flatMap(({ node, states }) => states.map((state) => ({ name: node.name, state }))),
  };
}

const statusOf = ({ error }: BuilderState): string => (error === undefined ? 'running' : 'error');

export const builderLs: Command = {
  name: 'builder ls',
  summary: 'List builders',
  usage: '[OPTIONS]',
  examples: ['slipway buildx ls', 'slipway builder ls --format json'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate platforms' },
  ],
  async run(ctx, o) {
    const sets = new BuilderSets(ctx.env);
    const all = await Promise.all([...sets.names, DEFAULT_BUILDER].map((name) => look(ctx, sets, name)));
    const format = o.string('format');
    if (format === 'json') {
      for (const one of all) ctx.stdout.write(`${JSON.stringify(jsonOf(one, sets.current))}\n`);
      return;
    }
    const plain = format === undefined || format === '' || format === 'table';
    const rows = all.flatMap((one) => [
      // a template sees the bare names
      {
        Name: plain && one.name === sets.current ? `${one.name}*` : one.name,
        DriverEndpoint: one.driver,
        Status: '',
        Buildkit: '',
        Platforms: '',
      },
      ...one.nodes.map(({ name, state }) => ({
        Name: plain ? ` \\_ ${name}` : name,
        DriverEndpoint: plain ? ` \\_ ${state.address}` : state.address,
        Status: statusOf(state),
        Buildkit: state.version ?? '',
        Platforms: state.platforms.join(', '),
      })),
    ]);
    ctx.stdout.write(renderRows(rows, COLUMNS, format));
    // a list says that something is wrong, and not what
    if (plain) for (const { state } of all.flatMap((one) => one.nodes)) if (state.error !== undefined) ctx.stderr.write(`${state.error}\n`);
  },
};

const jsonOf = ({ name, driver, nodes }: Shown, current: string): object => ({
  Current: name === current,
  Driver: driver,
  Dynamic: false,
  Name: name,
  Nodes: nodes.map(({ name: node, state }) => ({
    Name: node,
    Endpoint: state.address,
    Status: statusOf(state),
    ...(state.error !== undefined && { Err: state.error }),
    ...(state.version !== undefined && { Version: state.version }),
    Platforms: state.platforms,
  })),
});

export const builderInspect: Command = {
  name: 'builder inspect',
  summary: 'Show a builder',
  usage: '[OPTIONS] [NAME]',
  examples: ['slipway buildx inspect', 'slipway builder inspect default'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'bootstrap', type: 'boolean', help: 'Start the builder first; Slipway starts none, and this machine is always available' },
  ],
  async run(ctx, o, [given]) {
    const sets = new BuilderSets(ctx.env);
    const { name, driver, nodes } = await look(ctx, sets, given ?? o.string('builder') ?? sets.current);
    const last = name === DEFAULT_BUILDER ? await lastBuild(ctx) : undefined;
    ctx.stdout.write(
      `${table(
        [['Name:', name], ['Driver:', driver], ...(last === undefined ? [] : [['Last Activity:', goTime(last)]])],
        1,
      )}\nNodes:\n${nodes
        .map(({ name: node, state }) =>
          table(
            [
              ['Name:', node],
              ['Endpoint:', state.address],
              ['Status:', statusOf(state)],
              ...(state.error === undefined ? [] : [['Error:', state.error]]),
              ...(state.version === undefined ? [] : [['BuildKit version:', state.version]]),
              ...(state.platforms.length === 0 ? [] : [['Platforms:', state.platforms.join(', ')]]),
            ],
            1,
          ),
        )
        .join('\n')}`,
    );
  },
};

async function lastBuild(ctx: Context): Promise<number | undefined> {
  const { buildHistory } = await import('../../engine/index.ts');
  return (await buildHistory(await ctx.engine(), ctx.now())).list()[0]?.record.startedAt;
}

export const builderUse: Command = {
  name: 'builder use',
  summary: 'Choose the builder that builds use which name none',
  usage: '[OPTIONS] NAME',
  examples: ['slipway builder use fleet', 'slipway buildx use default'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'default', type: 'boolean', help: 'Select it for the current context' },
    { name: 'global', type: 'boolean', help: 'Select it for all contexts' },
  ],
  async run(ctx, _o, [name = '']) {
    new BuilderSets(ctx.env).use(name);
  },
};

export const builderStop: Command = {
  name: 'builder stop',
  summary: 'Stop a builder; nothing runs between builds',
  usage: '[NAME]',
  examples: ['slipway buildx stop', 'slipway builder stop default'],
  args: { min: 0, max: 1 },
  options: [],
  async run(ctx, _o, [name = DEFAULT_BUILDER]) {
    // what runs elsewhere has been started by others
    if (name !== DEFAULT_BUILDER) new BuilderSets(ctx.env).nodes(name);
  },
};
