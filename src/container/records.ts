// Containers in the database: one row each, the whole record as JSON. Every change is a transaction, so that commands in
// different processes never overwrite each other's.
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { type Database, recordEvent, type Sql } from '../store/index.ts';
import { nameTaken, randomName } from './names.ts';
import { move, type TransitionName } from './transitions.ts';
import type { Container } from './types.ts';

interface Row {
  readonly json: string;
}

/** What is reported of a change; `attributes` stand beside the container's image, name and labels. */
export interface ContainerEvent {
  readonly action: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

const parse = (row: Row): Container => JSON.parse(row.json) as Container;

export class ContainerRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Adds a container, under a random name when none is wanted. `along` runs in the same transaction.
   * Throws conflict 'container.name-taken'.
   */
  insert(c: Omit<Container, 'name'>, wanted: string | undefined, along: () => void): Container {
    return this.#db.transaction((sql) => {
      const named: Container = { ...c, name: freeName(sql, wanted) };
      sql.run(
        'INSERT INTO containers (id, name, json, created_at, state) VALUES (?, ?, ?, ?, ?)',
        named.id,
        named.name,
        JSON.stringify(named),
        named.createdAt,
        named.state.status,
      );
      along();
      report(sql, named, { action: 'create' });
      return named;
    });
  }

  /** Changes a container's record; `change` gets the newest one, alters it, and says what is to be reported. undefined when it is gone. */
  update(id: string, change: (c: Container) => ContainerEvent | void): Container | undefined {
    return this.#db.removal((sql) => {
      const c = byId(sql, id);
      if (c === undefined) return undefined;
      const event = change(c);
      sql.run('UPDATE containers SET json = ?, state = ? WHERE id = ?', JSON.stringify(c), c.state.status, id);
      if (event) report(sql, c, event);
      return c;
    });
  }

  /**
   * Takes a container from one state to another if its newest record allows it; `change` then alters the rest of the record.
   * `moved` says whether it did; undefined when the container is gone.
   */
  transition(
    id: string,
    name: TransitionName,
    change: (c: Container) => ContainerEvent | void = () => {},
  ): { moved: boolean; container: Container } | undefined {
    let moved = false;
    const container = this.update(id, (c) => {
      moved = move(c, name);
      return moved ? change(c) : undefined;
    });
    return container && { moved, container };
  }

  rename(id: string, name: string): void {
    this.#db.transaction((sql) => {
      const c = byId(sql, id);
      if (c === undefined) throw notFound(id);
      const renamed = { ...c, name: freeName(sql, name) };
      sql.run('UPDATE containers SET name = ?, json = ? WHERE id = ?', name, JSON.stringify(renamed), id);
      report(sql, renamed, { action: 'rename', attributes: { oldName: `/${c.name}` } });
    });
  }

  delete(c: Container): void {
    this.#db.removal((sql) => {
      if (sql.run('DELETE FROM containers WHERE id = ?', c.id).changes > 0) report(sql, c, { action: 'destroy' });
    });
  }

  /** Reports what happened to a container without a change of its record. */
  note(c: Container, action: string, attributes: Readonly<Record<string, string>> = {}): void {
    this.#db.removal((sql) => report(sql, c, { action, attributes }));
  }

  /** Reports that a container's volumes are in use, or are not any more. */
  noteVolumes(c: Container, action: 'mount' | 'unmount'): void {
    const volumes = c.mounts.filter((m) => m.type === 'volume');
    if (volumes.length === 0) return;
    this.#db.removal((sql) => {
      for (const m of volumes) {
        const how = { destination: m.destination, propagation: '', 'read/write': String(!m.readonly) };
        const attributes = { container: c.id, driver: 'local', ...(action === 'mount' && how) };
        recordEvent(sql, { type: 'volume', action, actor: m.name ?? '', attributes });
      }
    });
  }

  get(id: string): Container | undefined {
    return this.#db.read((sql) => byId(sql, id));
  }

  /** Newest first. */
  all(): Container[] {
    return this.#db.read((sql) => sql.all<Row>('SELECT json FROM containers ORDER BY created_at DESC, name')).map(parse);
  }

  /** All but those that rest: exited, and nothing to be done about them. Restarting ones among them. */
  unsettled(): Container[] {
    return this.#db
      .read((sql) => sql.all<Row>("SELECT json FROM containers WHERE state IN ('created', 'running', 'restarting', 'removing')"))
      .map(parse);
  }

  /** As `resolve`; undefined when there is none. */
  find(word: string): Container | undefined {
    try {
      return this.resolve(word);
    } catch (error) {
      if (isSlipwayError(error) && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  /** By name, whole ID, or a prefix of an ID. Throws not-found 'container.not-found', invalid-argument 'container.ambiguous'. */
  resolve(word: string): Container {
    const name = word.startsWith('/') ? word.slice(1) : word;
    return this.#db.read((sql) => {
      const exact = sql.get<Row>('SELECT json FROM containers WHERE id = ? OR name = ?', name, name);
      if (exact !== undefined) return parse(exact);
      const rows = /^[0-9a-f]+$/.test(name)
        ? sql.all<Row>('SELECT json FROM containers WHERE substr(id, 1, ?) = ? LIMIT 2', name.length, name)
        : [];
      if (rows.length > 1)
        throw new SlipwayError('invalid-argument', 'container.ambiguous', `Multiple IDs found with provided prefix: ${name}`);
      if (rows[0] === undefined) throw notFound(word);
      return parse(rows[0]);
    });
  }
}

function report(sql: Sql, c: Container, { action, attributes }: ContainerEvent): void {
  recordEvent(sql, {
    type: 'container',
    action,
    actor: c.id,
    attributes: { ...c.labels, ...attributes, image: c.imageName, name: c.name },
  });
}

function notFound(word: string): SlipwayError {
  return new SlipwayError('not-found', 'container.not-found', `No such container: ${word}`, {
    hints: ['`slipway ps -a` lists all containers'],
  });
}

function byId(sql: Sql, id: string): Container | undefined {
  const row = sql.get<Row>('SELECT json FROM containers WHERE id = ?', id);
  return row && parse(row);
}

function freeName(sql: Sql, wanted: string | undefined): string {
  for (let attempt = 1; ; attempt++) {
    const name = wanted ?? randomName(attempt);
    const other = sql.get<{ id: string }>('SELECT id FROM containers WHERE name = ?', name);
    if (other === undefined) return name;
    if (wanted !== undefined) throw nameTaken(wanted, other.id);
  }
}
