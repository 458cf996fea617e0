// Containers in the database: one row each, the whole record as JSON. Every change is a transaction, so that commands in
// different processes never overwrite each other's.
import { SlipwayError } from '../model/index.ts';
import type { Database, Sql } from '../store/index.ts';
import { nameTaken, randomName } from './names.ts';
import { move, type TransitionName } from './transitions.ts';
import type { Container } from './types.ts';

interface Row {
  readonly json: string;
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
      return named;
    });
  }

  /** Changes a container's record; `change` gets the newest one and alters it. undefined when it is gone. */
  update(id: string, change: (c: Container) => void): Container | undefined {
    return this.#db.removal((sql) => {
      const c = byId(sql, id);
      if (c === undefined) return undefined;
      change(c);
      sql.run('UPDATE containers SET json = ?, state = ? WHERE id = ?', JSON.stringify(c), c.state.status, id);
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
    change: (c: Container) => void = () => {},
  ): { moved: boolean; container: Container } | undefined {
    let moved = false;
    const container = this.update(id, (c) => {
      moved = move(c, name);
      if (moved) change(c);
    });
    return container && { moved, container };
  }

  rename(id: string, name: string): void {
    this.#db.transaction((sql) => {
      const c = byId(sql, id);
      if (c === undefined) throw notFound(id);
      sql.run('UPDATE containers SET name = ?, json = ? WHERE id = ?', freeName(sql, name), JSON.stringify({ ...c, name }), id);
    });
  }

  delete(id: string): void {
    this.#db.removal((sql) => sql.run('DELETE FROM containers WHERE id = ?', id));
  }

  get(id: string): Container | undefined {
    return this.#db.read((sql) => byId(sql, id));
  }

  /** Newest first. */
  all(): Container[] {
    return this.#db.read((sql) => sql.all<Row>('SELECT json FROM containers ORDER BY created_at DESC, name')).map(parse);
  }

  /** All but those that rest: exited, and nothing to be done about them. */
  unsettled(): Container[] {
    return this.#db.read((sql) => sql.all<Row>("SELECT json FROM containers WHERE state IN ('created', 'running', 'removing')")).map(parse);
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
