// `stats`: what containers use of the machine, once or until it is stopped.
import { type Measured, measure } from '../../engine/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { openContainers } from '../containers.ts';
import { renderRows, type Row } from '../format.ts';
import { listFormat } from '../user-config.ts';

/** ms between two looks. */
const INTERVAL = 1000;
const CLEAR = '\u001b[2J\u001b[H';

const COLUMNS = [
  { head: 'CONTAINER ID', field: 'ID' },
  { head: 'NAME', field: 'Name' },
  { head: 'CPU %', field: 'CPUPerc' },
  { head: 'MEM USAGE / LIMIT', field: 'MemUsage' },
  { head: 'MEM %', field: 'MemPerc' },
  { head: 'NET I/O', field: 'NetIO' },
  { head: 'BLOCK I/O', field: 'BlockIO' },
  { head: 'PIDS', field: 'PIDs' },
] as const;

/** As Docker writes memory: four digits, powers of 1024. */
function binary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}

function rowOf(m: Measured, word: string | undefined, whole: boolean): Row {
  const pair = (a: number, b: number): string => `${formatBytes(a, 3)} / ${formatBytes(b, 3)}`;
  const percent = (n: number): string => `${n.toFixed(2)}%`;
  const { id, name } = m.container;
  return {
    BlockIO: pair(m.read, m.written),
    CPUPerc: percent(m.cpuPercent),
    Container: word ?? (whole ? id : id.slice(0, 12)),
    ID: whole ? id : id.slice(0, 12),
    MemPerc: percent(m.memoryLimit === 0 ? 0 : (m.memory / m.memoryLimit) * 100),
    MemUsage: `${binary(m.memory)} / ${binary(m.memoryLimit)}`,
    Name: name,
    NetIO: pair(m.received, m.sent),
    PIDs: String(m.processes),
  };
}

export const stats: Command = {
  name: 'stats',
  summary: 'Show what containers use of the machine',
  usage: '[OPTIONS] [CONTAINER...]',
  examples: ['slipway stats', 'slipway stats --no-stream web'],
  args: { min: 0 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Show stopped containers too' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'no-stream', type: 'boolean', help: 'Look once' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate IDs' },
  ],
  async run(ctx, o, args) {
    const containers = await openContainers(ctx);
    const named = new Map(args.map((word) => [containers.records.resolve(word).id, word]));
    if (!(await containers.runtime()).cgroups)
      ctx.stderr.write('WARNING: no control group can be made on this machine: nothing is known of what containers use\n');
    const format = listFormat(ctx, 'statsFormat', o);
    const once = o.bool('no-stream');
    do {
      const list = containers.records
        .all()
        .filter((c) => (args.length > 0 ? named.has(c.id) : o.bool('all') || c.state.status === 'running'));
      const measured = await measure(containers, list, INTERVAL, ctx.signal);
      const rows = measured.map((m) => rowOf(m, named.get(m.container.id), o.bool('no-trunc')));
      ctx.stdout.write((once || !ctx.stdout.isTTY ? '' : CLEAR) + renderRows(rows, COLUMNS, format));
    } while (!once && !ctx.signal.aborted);
  },
};
