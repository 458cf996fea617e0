// `events`: what happens in the store, a line each.
import { eventJson, nanosecondsOf } from '../../docker/index.ts';
import { EVENT_FILTERS, events as eventsOf, type RecordedEvent } from '../../engine/index.ts';
import { printableJson, sortedMap } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { parseFilters } from '../format.ts';
import { momentOf } from '../moment.ts';

export const events: Command = {
  name: 'events',
  summary: 'Show what happens to containers, images, networks and volumes',
  usage: '[OPTIONS]',
  examples: [
    'slipway events',
    'slipway events --since 10m --until 0s -f type=container',
    "slipway events --format '{{.Action}} {{.Actor.ID}}'",
  ],
  args: { min: 0, max: 0 },
  options: [
    {
      name: 'filter',
      short: 'f',
      type: 'list',
      placeholder: 'key=value',
      help: 'container=…, event=…, image=…, label=…, type=… and others',
    },
    { name: 'format', type: 'string', placeholder: 'template', help: 'json, or a Go template' },
    { name: 'since', type: 'string', placeholder: 'time', help: 'Show what happened since a time or duration (10m) too' },
    { name: 'until', type: 'string', placeholder: 'time', help: 'End at a time' },
  ],
  async run(ctx, o) {
    const [since, until] = [momentOf(ctx, o, 'since'), momentOf(ctx, o, 'until')];
    const filters = parseFilters(o.list('filter'), EVENT_FILTERS);
    const print = await printer(o.string('format'));
    const found = eventsOf(await ctx.engine(), {
      filters,
      signal: ctx.signal,
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    });
    for await (const event of found) ctx.stdout.write(`${print(event)}\n`);
  },
};

async function printer(format: string | undefined): Promise<(e: RecordedEvent) => string> {
  if (format === undefined || format === '') return lineOf;
  if (format === 'json') return (e) => printableJson(JSON.stringify(eventJson(e)));
  const { compileTemplate } = await import('../template/index.ts');
  const render = compileTemplate(format, 'Error parsing format');
  return (e) => {
    const message = eventJson(e);
    const { status = '', id = '', from = '', scope, time, timeNano: _, ...rest } = message;
    const fields = { Status: status, ID: id, From: from, ...rest, Scope: scope, Time: time, TimeNano: nanosecondsOf(e) };
    // for `{{json .}}`, which has the names of the API
    return render(Object.defineProperty(fields, 'toJSON', { value: () => message }));
  };
}

/** `2026-11-26T12:00:33.711907000Z container start 2f79… (image=busybox, name=web)` */
function lineOf({ type, action, actor, attributes, at }: RecordedEvent): string {
  const details = Object.entries(sortedMap(attributes)).map(([key, value]) => `${key}=${value}`);
  return `${timeOf(at)} ${type} ${action} ${actor}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}

/** RFC 3339 in the zone of this machine. `at` in microseconds. */
function timeOf(at: number): string {
  const ms = Math.floor(at / 1000);
  const east = -new Date(ms).getTimezoneOffset();
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const zone = east === 0 ? 'Z' : `${east < 0 ? '-' : '+'}${two(Math.abs(east) / 60)}:${two(Math.abs(east) % 60)}`;
  const seconds = new Date(ms + east * 60_000).toISOString().slice(0, 19);
  return `${seconds}.${String(at % 1e6).padStart(6, '0')}000${zone}`;
}
