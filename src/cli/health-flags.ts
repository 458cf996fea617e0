// Flags of `run` and `create` for health checks, refused in the words of Docker's client.
import type { ContainerRequest } from '../engine/index.ts';
import { parseDuration } from '../util/index.ts';
import { invalidValue } from './args.ts';
import type { Option, ParsedOptions } from './command.ts';
import { wrongFlag } from './container-values.ts';

export const HEALTH_FLAGS: readonly Option[] = [
  { name: 'health-cmd', type: 'string', placeholder: 'command', help: 'Command that succeeds while the container is healthy' },
  { name: 'health-interval', type: 'string', placeholder: 'time', help: 'Time between two checks (30s)' },
  { name: 'health-retries', type: 'number', placeholder: 'n', help: 'Failures in a row that make it unhealthy (3)' },
  { name: 'health-start-interval', type: 'string', placeholder: 'time', help: 'Time between two checks in the start period (5s)' },
  { name: 'health-start-period', type: 'string', placeholder: 'time', help: 'Time for its start, in which failures do not count (0s)' },
  { name: 'health-timeout', type: 'string', placeholder: 'time', help: 'Time that one check may take (30s)' },
  { name: 'no-healthcheck', type: 'boolean', help: 'Disable the health check of the image' },
];

/** @throws SlipwayError invalid-argument `cli.flag` */
export function healthOf(o: ParsedOptions): Pick<ContainerRequest, 'health' | 'noHealthcheck'> {
  const given = HEALTH_FLAGS.filter(({ name, type }) => type !== 'boolean' && o.has(name) && o.string(name) !== '');
  if (o.bool('no-healthcheck')) {
    if (given.length > 0) throw wrongFlag('--no-healthcheck conflicts with --health-* options');
    return { noHealthcheck: true };
  }
  if (given.length === 0) return {};
  const time = (name: string): number => {
    const text = o.string(name);
    if (text === undefined || text === '') return 0;
    const ns = parseDuration(text);
    if (ns === undefined)
      throw wrongFlag(
        invalidValue(
          `--${name}`,
          text,
          `time: ${/^[-+]?[\d.]+$/.test(text) ? 'missing unit in' : 'invalid'} duration ${JSON.stringify(text)}`,
        ),
      );
    if (ns < 0) throw wrongFlag(`--${name} cannot be negative`);
    return ns;
  };
  const command = o.string('health-cmd') ?? '';
  const retries = o.number('health-retries') ?? 0;
  if (retries < 0) throw wrongFlag('--health-retries cannot be negative');
  const values = {
    Interval: time('health-interval'),
    Timeout: time('health-timeout'),
    StartPeriod: time('health-start-period'),
    StartInterval: time('health-start-interval'),
    Retries: retries,
  };
  return {
    health: {
      ...(command !== '' && { Test: ['CMD-SHELL', command] }),
      ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0)),
    },
  };
}
