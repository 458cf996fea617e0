// `ps`: the list of containers.
import { commandText, filterContainers, portsText, statusText } from '../../container/index.ts';
import { humanDuration } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { renderRows } from '../format.ts';

export const ps: Command = {
  name: 'ps',
  summary: 'List containers',
  usage: '[OPTIONS]',
  examples: ['slipway ps', 'slipway ps -a', 'slipway ps -q -f status=exited'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Those that do not run too' },
    { name: 'filter', short: 'f', type: 'list', placeholder: 'key=value', help: 'status=…, name=…, label=…, ancestor=… and others' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'last', short: 'n', type: 'number', placeholder: 'n', help: 'The n newest' },
    { name: 'latest', short: 'l', type: 'boolean', help: 'The newest' },
    { name: 'no-trunc', type: 'boolean', help: 'Show whole IDs and commands' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show IDs only' },
  ],
  async run(ctx, o) {
    const engine = await ctx.engine();
    const containers = await engine.containers();
    await containers.reconcile();
    const filters = o.list('filter');
    const count = o.bool('latest') ? 1 : o.number('last');
    const everything = o.bool('all') || count !== undefined || filters.some((f) => /^(status|exited)=/.test(f));
    let list = filterContainers(containers.records.all(), filters).filter((c) => everything || c.state.status === 'running');
    if (count !== undefined && count >= 0) list = list.slice(0, count);
    const whole = o.bool('no-trunc');
    const id = (s: string): string => (whole ? s : s.slice(0, 12));
    if (o.bool('quiet')) return void ctx.stdout.write(list.map((c) => `${id(c.id)}\n`).join(''));
    const cut = (s: string): string => (whole || s.length <= 20 ? s : `${s.slice(0, 19)}…`);
    const now = ctx.now();
    const rows = list.map((c) => ({
      ID: id(c.id),
      Image: c.imageName,
      Command: `"${cut(commandText(c))}"`,
      RunningFor: `${humanDuration(now - c.createdAt)} ago`,
      CreatedAt: new Date(c.createdAt).toISOString(),
      Status: statusText(c, now),
      State: c.state.status,
      Ports: portsText(c),
      Names: c.name,
      Labels: Object.entries(c.labels)
        .map(([k, v]) => `${k}=${v}`)
        .join(','),
      Mounts: c.mounts.map((m) => m.name ?? m.source).join(','),
      Networks: c.request.network,
    }));
    const columns = [
      { head: 'CONTAINER ID', field: 'ID' },
      { head: 'IMAGE', field: 'Image' },
      { head: 'COMMAND', field: 'Command' },
      { head: 'CREATED', field: 'RunningFor' },
      { head: 'STATUS', field: 'Status' },
      { head: 'PORTS', field: 'Ports' },
      { head: 'NAMES', field: 'Names' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, o.string('format')));
  },
};
