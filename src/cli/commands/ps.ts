// `ps`: the list of containers.
import { networkNamed, networks } from '../../docker/index.ts';
import {
  commandText,
  filterContainers,
  networkNames,
  portsText,
  stateText,
  statusText,
  containerSizes,
  type Engine,
  type Container,
} from '../../engine/index.ts';
import { formatBytes, humanDuration } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { openContainers } from '../containers.ts';
import { labelOf, labelsText, renderRows, type Row } from '../format.ts';
import { goTime } from '../go-time.ts';
import { listFormat } from '../user-config.ts';

/** Widths to which cells are cut. */
const COMMAND_WIDTH = 20;
const MOUNT_WIDTH = 15;

const RAW = [
  ['container_id', 'ID'],
  ['image', 'Image'],
  ['command', 'Command'],
  ['created_at', 'CreatedAt'],
  ['state', 'State'],
  ['status', 'Status'],
  ['names', 'Names'],
  ['labels', 'Labels'],
  ['ports', 'Ports'],
] as const;

const sizeText = ({ written, total }: { written: number; total: number }): string =>
  `${formatBytes(written, 3)} (virtual ${formatBytes(total, 3)})`;

/** A container as lists show it. Its image is named by its ID when the name stands for another one by now, or for none. */
export function containerRow(engine: Engine, c: Container, o: { now: number; whole: boolean; sizes: boolean }): Row {
  const cut = (s: string, width: number): string => (o.whole || s.length <= width ? s : `${s.slice(0, width - 1)}…`);
  return {
    ID: o.whole ? c.id : c.id.slice(0, 12),
    Image: engine.images.find(c.imageName)?.id === c.imageId ? c.imageName : o.whole ? c.imageId : c.imageId.slice(7, 19),
    Command: `"${cut(commandText(c), COMMAND_WIDTH)}"`,
    RunningFor: `${humanDuration(o.now - c.createdAt)} ago`,
    CreatedAt: goTime(c.createdAt),
    Status: statusText(c, o.now),
    State: stateText(c),
    Ports: portsText(c),
    Names: c.name,
    Labels: labelsText(c.labels),
    Label: labelOf(c.labels),
    LocalVolumes: String(c.mounts.filter((m) => m.type === 'volume').length),
    Mounts: c.mounts
      .filter((m) => m.type !== 'tmpfs')
      .map((m) => cut(m.name ?? m.source, MOUNT_WIDTH))
      .join(','),
    Networks: networkNames(c).sort().join(','),
    Platform: null,
    Size: o.sizes ? sizeText(containerSizes(engine, c)) : '0B',
  };
}

/** A name stands for the image that has it now, an ID for the network of this name. */
async function settled(engine: Engine, filter: string): Promise<string> {
  const [key = '', value] = filter.split(/=(.*)/s);
  if (key === 'ancestor' && value !== undefined) return `ancestor=${engine.images.find(value)?.id ?? value}`;
  if (key !== 'network' || value === undefined) return filter;
  return `network=${networkNamed(await networks(engine), value)?.name ?? value}`;
}

const WORDS = {
  type: '*formatter.ContainerContext',
  reading: 'failed to parse template',
  applying: 'failed to execute template',
} as const;

export const ps: Command = {
  name: 'ps',
  summary: 'List containers',
  usage: '[OPTIONS]',
  examples: ['slipway ps', 'slipway ps -a', 'slipway ps -q -f status=exited'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Show stopped containers too' },
    {
      name: 'filter',
      short: 'f',
      type: 'list',
      placeholder: 'key=value',
      help: 'status=…, name=…, label=…, ancestor=…, health=… and others',
    },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'last', short: 'n', type: 'number', placeholder: 'n', help: 'Show the n newest containers' },
    { name: 'latest', short: 'l', type: 'boolean', help: 'Show the newest container' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate IDs and commands' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show IDs only' },
    { name: 'size', short: 's', type: 'boolean', help: 'Show sizes' },
  ],
  async run(ctx, o) {
    const engine = await ctx.engine();
    const containers = await openContainers(ctx);
    const filters = await Promise.all(o.list('filter').map((f) => settled(engine, f)));
    const count = o.bool('latest') ? 1 : o.number('last');
    const everything = o.bool('all') || count !== undefined || filters.some((f) => f.startsWith('status='));
    let list = filterContainers(containers.records.all(), filters).filter(
      (c) => everything || ['running', 'restarting'].includes(c.state.status),
    );
    if (count !== undefined && count >= 0) list = list.slice(0, count);
    const whole = o.bool('no-trunc');
    if (o.bool('quiet') && !o.has('format'))
      return void ctx.stdout.write(list.map((c) => `${whole ? c.id : c.id.slice(0, 12)}\n`).join(''));
    const now = ctx.now();
    const format = listFormat(ctx, 'psFormat', o);
    // measuring reads all files of a container: only when the sizes are shown
    const sizes = o.bool('size') || /\.Size\b/.test(format ?? '');
    const rows = list.map((c) => containerRow(engine, c, { now, whole, sizes }));
    const columns = [
      { head: 'CONTAINER ID', field: 'ID' },
      { head: 'IMAGE', field: 'Image' },
      { head: 'COMMAND', field: 'Command' },
      { head: 'CREATED', field: 'RunningFor' },
      { head: 'STATUS', field: 'Status' },
      { head: 'PORTS', field: 'Ports' },
      { head: 'NAMES', field: 'Names' },
      ...(o.bool('size') ? [{ head: 'SIZE', field: 'Size' }] : []),
    ];
    ctx.stdout.write(renderRows(rows, columns, format, RAW, WORDS));
  },
};
