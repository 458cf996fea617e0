// `events`: what happens to the things of the store, as it happens or from some time on, and which of it is meant.
import { SlipwayError } from '../model/index.ts';
import { followEvents, latestEvent, type RecordedEvent } from '../store/index.ts';
import type { Engine } from './engine.ts';

export type { RecordedEvent } from '../store/index.ts';

export interface EventOptions {
  /** ms since the epoch; only what happens from now on when left out. */
  readonly since?: number;
  /** ms since the epoch; it goes on until `signal` aborts when left out. */
  readonly until?: number;
  /** By key: values of labels must all hold, of other keys one. */
  readonly filters: ReadonlyMap<string, readonly string[]>;
  readonly signal: AbortSignal;
}

/** Whether an event is meant by a value of a filter. IDs and names may be given by their beginnings, as in Docker. */
type Test = (e: RecordedEvent, value: string) => boolean;

const ofType =
  (type: RecordedEvent['type']): Test =>
  (e, v) =>
    e.type === type && (e.actor.startsWith(v) || (e.attributes['name'] ?? '').startsWith(v));

const TESTS: Readonly<Record<string, Test>> = {
  container: ofType('container'),
  event: (e, v) => e.action === v || e.action.startsWith(`${v}:`),
  image: (e, v) => sameImage(e.type === 'image' ? (e.attributes['name'] ?? '') : (e.attributes['image'] ?? ''), v) || isImage(e, v),
  label: (e, v) => {
    const [key = '', value] = v.split(/=(.*)/s);
    return Object.hasOwn(e.attributes, key) && (value === undefined || e.attributes[key] === value);
  },
  network: ofType('network'),
  scope: (_, v) => v === 'local',
  type: (e, v) => e.type === v,
  volume: ofType('volume'),
  // one machine has none of these
  config: () => false,
  daemon: () => false,
  node: () => false,
  plugin: () => false,
  secret: () => false,
  service: () => false,
};

const sameImage = (name: string, wanted: string): boolean => name !== '' && (name === wanted || name.replace(/:[^/:]*$/, '') === wanted);
const isImage = (e: RecordedEvent, wanted: string): boolean => e.type === 'image' && (e.actor === wanted || sameImage(e.actor, wanted));

/** The keys of filters. */
export const EVENT_FILTERS: ReadonlySet<string> = new Set(Object.keys(TESTS).sort());

/** Events in the order in which they happened. @throws SlipwayError `events.order` */
export async function* events({ db }: Engine, o: EventOptions): AsyncGenerator<RecordedEvent> {
  if (o.since !== undefined && o.until !== undefined && o.since > o.until)
    throw new SlipwayError(
      'invalid-argument',
      'events.order',
      `\`since\` time (${Math.floor(o.since / 1000)}) cannot be after \`until\` time (${Math.floor(o.until / 1000)})`,
    );
  const following = followEvents(db, {
    after: o.since === undefined ? latestEvent(db) : 0,
    signal: o.signal,
    ...(o.until !== undefined && { until: o.until }),
  });
  for await (const e of following) {
    const at = Math.floor(e.at / 1000); // no time on a command line is finer
    if (o.since !== undefined && at < Math.floor(o.since)) continue;
    if (o.until !== undefined && at > o.until) return;
    const wanted = [...o.filters].every(([key, values]) =>
      key === 'label' ? values.every((v) => TESTS[key]?.(e, v)) : values.some((v) => TESTS[key]?.(e, v)),
    );
    if (wanted) yield e;
  }
}
