// Containers in the database: one row each, the whole record as JSON. Every change is a transaction, so that commands in
// different processes never overwrite each other's.
import type { Database, Sql } from '../store/index.ts';
import { SlipwayError } from '../model/index.ts';
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

  /** Adds a container; when the name is taken, nothing is added and the ID of the other one is returned. */
  insert(c: Container): string | undefined {
    return this.#db.transaction((sql) => {
      const other = sql.get<{ id: string }>('SELECT id FROM containers WHERE name = ?', c.name);
      if (other) return other.id;
      sql.run('INSERT INTO containers (id, name, json, created_at, state) VALUES (?, ?, ?, ?, ?)', c.id, c.name, JSON.stringify(c), c.createdAt, c.state.status);
      return undefined;
    });
  }

  /** Changes a container's record; `change` gets the newest one and alters it. Undefined when it is gone. */
  update(id: string, change: (c: Container) => void): Container | undefined {
    return this.#db.transaction((sql) => {
      const c = byId(sql, id);
      if (!c) return undefined;
      change(c);
      sql.run('UPDATE containers SET json = ?, state = ? WHERE id = ?', JSON.stringify(c), c.state.status, id);
      return c;
    });
  }

  delete(id: string): void {
    this.#db.transaction((sql) => sql.run('DELETE FROM containers WHERE id = ?', id));
  }

  get(id: string): Container | undefined {
    return this.#db.read((sql) => byId(sql, id));
  }

  /** Newest first. */
  all(): Container[] {
    return this.#db.read((sql) => sql.all<Row>('SELECT json FROM containers ORDER BY created_at DESC, id')).map(parse);
  }

  /** Made, and not started. */
  created(): Container[] {
    return this.#db.read((sql) => sql.all<Row>("SELECT json FROM containers WHERE state = 'created'")).map(parse);
  }

  running(): Container[] {
    return this.#db.read((sql) => sql.all<Row>("SELECT json FROM containers WHERE state = 'running'")).map(parse);
  }

  /** By name, whole ID, or a prefix of an ID. @throws SlipwayError `container.not-found` or `container.ambiguous`. */
  resolve(word: string): Container {
    const name = word.startsWith('/') ? word.slice(1) : word;
    return this.#db.read((sql) => {
      const exact = sql.get<Row>('SELECT json FROM containers WHERE id = ? OR name = ?', name, name);
      if (exact) return parse(exact);
      const rows = /^[0-9a-f]+$/.test(name) ? sql.all<Row>('SELECT json FROM containers WHERE substr(id, 1, ?) = ? LIMIT 2', name.length, name) : [];
      if (rows.length > 1) throw new SlipwayError('invalid-argument', 'container.ambiguous', `Multiple IDs found with provided prefix: ${name}`);
      if (!rows[0]) throw new SlipwayError('not-found', 'container.not-found', `No such container: ${word}`, { hints: ['slipway ps -a lists all containers'] });
      return parse(rows[0]);
    });
  }
}

function byId(sql: Sql, id: string): Container | undefined {
  const row = sql.get<Row>('SELECT json FROM containers WHERE id = ?', id);
  return row && parse(row);
}
