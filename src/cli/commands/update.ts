// `update`: other limits and another restart policy.
import { updateContainer } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { parseBytes } from '../../util/index.ts';
import { invalidValue } from '../args.ts';
import type { Command, ParsedOptions } from '../command.ts';
import { nanoCpus, wrongFlag } from '../container-values.ts';
import { limitsOf, MORE_FLAGS } from '../more-run-flags.ts';
import { each } from './containers.ts';

const SHARED = [
  'blkio-weight',
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpuset-cpus',
  'cpuset-mems',
  'memory-reservation',
  'memory-swap',
  'restart',
];

const changing: Command = each(
  {
    name: 'update',
    summary: 'Change the limits and the restart policy of containers',
    usage: '[OPTIONS] CONTAINER [CONTAINER...]',
    examples: ['slipway update -m 512m --memory-swap 1g web', 'slipway update --restart unless-stopped web'],
    args: { min: 1 },
    options: [
      ...MORE_FLAGS.filter(({ name }) => SHARED.includes(name)),
      { name: 'cpus', type: 'string', placeholder: 'n', help: 'Number of CPUs' },
      { name: 'memory', short: 'm', type: 'string', placeholder: 'bytes', help: 'Memory limit' },
      { name: 'pids-limit', type: 'number', placeholder: 'n', help: 'Maximum number of processes; -1: no limit' },
    ],
  },
  async (containers, c, o, ctx) => {
    const bytes = memoryOf(o);
    const change = {
      ...limitsOf(o),
      ...(bytes !== undefined && { memory: bytes }),
      ...(o.has('cpus') && { nanoCpus: nanoCpus(o.string('cpus') ?? '') }),
      ...(o.has('pids-limit') && { pidsLimit: o.number('pids-limit') ?? 0 }),
    };
    for (const warning of await updateContainer(containers, c, change)) ctx.stderr.write(`WARNING: ${warning}\n`);
    return '';
  },
);

function memoryOf(o: ParsedOptions): number | undefined {
  const memory = o.string('memory');
  const bytes = memory === undefined ? undefined : parseBytes(memory);
  if (memory !== undefined && bytes === undefined) throw wrongFlag(invalidValue('-m, --memory', memory, `invalid size: '${memory}'`));
  return bytes;
}

export const update: Command = {
  ...changing,
  async run(ctx, o, args) {
    if (!changing.options.some(({ name }) => o.has(name)))
      throw new SlipwayError('invalid-argument', 'cli.update', 'you must provide one or more flags when using this command');
    memoryOf(o); // before any container is changed
    return changing.run(ctx, o, args);
  },
};
