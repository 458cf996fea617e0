// What happens to the things of a store, for `events`: recorded in the transaction that does it, so that nothing is reported that did not
// happen. Only the newest are kept.
import { watch } from 'node:fs';
import { deferred, once } from '../util/index.ts';
import type { Database, Sql } from './database.ts';

export type EventType = 'container' | 'image' | 'network' | 'volume';

export interface StoreEvent {
  readonly type: EventType;
  /** In Docker's words: `start`, `exec_create: ps`. */
  readonly action: string;
  /** ID of the container, image or network; name of the volume; empty when it is about all of the type. */
  readonly actor: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RecordedEvent extends StoreEvent {
  /** Grows with every event of the store. */
  readonly sequence: number;
  /** Microseconds since the epoch. */
  readonly at: number;
}

/** How many are kept. */
const KEPT = 2000;
/** ms. A notification of a change comes a moment before the change can be read: it is looked for again, less and less often. */
const LOOK_AGAIN = { first: 2, factor: 4, most: 2000 };

const monotonic = (): number => Math.round(Number(process.hrtime.bigint()) / 1000);
const origin = once(() => Date.now() * 1000 - monotonic());
/** Microseconds since the epoch. Node's `performance` would take 2 ms to load. */
const now = (): number => Math.max(origin() + monotonic(), Date.now() * 1000);

interface Row {
  readonly id: number;
  readonly at: number;
  readonly type: EventType;
  readonly action: string;
  readonly actor: string;
  readonly attributes: string;
}

/** Records an event as a part of the caller's transaction. */
export function recordEvent(sql: Sql, { type, action, actor, attributes }: StoreEvent): void {
  const at = now();
  const { lastInsertRowid } = sql.run(
    'INSERT INTO events (at, type, action, actor, attributes) VALUES (?, ?, ?, ?, ?)',
    at,
    type,
    action,
    actor,
    JSON.stringify(attributes),
  );
  sql.run('DELETE FROM events WHERE id <= ?', lastInsertRowid - KEPT);
}

/** The sequence number of the newest event; 0 when there is none. */
export function latestEvent(db: Database): number {
  return db.read((sql) => sql.get<{ last: number | null }>('SELECT max(id) AS last FROM events'))?.last ?? 0;
}

function after(db: Database, sequence: number): RecordedEvent[] {
  return db
    .read((sql) => sql.all<Row>('SELECT * FROM events WHERE id > ? ORDER BY id', sequence))
    .map(({ id, attributes, ...row }) => ({ ...row, sequence: id, attributes: JSON.parse(attributes) as Record<string, string> }));
}

/**
 * The events after a sequence number, oldest first, and then those that happen, until `signal` aborts or `until` (ms since the epoch)
 * has come. The kernel reports writes to the database's files; nothing is read in between.
 */
export async function* followEvents(
  db: Database,
  o: { readonly after: number; readonly until?: number; readonly signal: AbortSignal },
): AsyncGenerator<RecordedEvent> {
  let last = o.after;
  let pause = LOOK_AGAIN.first;
  let changed = deferred<void>();
  const wake = (): void => changed.resolve();
  const watcher = watch(db.root, { persistent: true }, (_, name) => {
    if (name !== null && !name.startsWith('slipway.db')) return;
    pause = LOOK_AGAIN.first;
    wake();
  });
  watcher.on('error', wake); // the timer goes on
  o.signal.addEventListener('abort', wake);
  try {
    for (;;) {
      const over = o.signal.aborted || (o.until !== undefined && Date.now() >= o.until);
      changed = deferred<void>();
      for (const event of after(db, last)) {
        last = event.sequence;
        yield event;
      }
      if (over) return;
      const timer = setTimeout(wake, Math.max(1, Math.min(pause, (o.until ?? Number.POSITIVE_INFINITY) - Date.now())));
      pause = Math.min(pause * LOOK_AGAIN.factor, LOOK_AGAIN.most);
      await changed.promise;
      clearTimeout(timer);
    }
  } finally {
    watcher.close();
    o.signal.removeEventListener('abort', wake);
  }
}
