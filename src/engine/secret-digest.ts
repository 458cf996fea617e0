// What stands for the content of a secret in the keys of steps, for a secret that is asked to count (`--secret id=x,cache=content`). It
// lies in the store: it is made with a key that no other store has, and slowly, so that it is no help in guessing.
import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Session } from '../model/index.ts';
import type { Engine } from './engine.ts';

const derive = promisify<Uint8Array, Uint8Array, number, Buffer>(scrypt);
const LENGTH = 32;

/** @param ids those that count */
export function secretDigests(
  { db }: Pick<Engine, 'db'>,
  ids: readonly string[],
  session: Pick<Session, 'secret'>,
  signal: AbortSignal,
): (id: string) => Promise<string | undefined> {
  const counting = new Set(ids);
  const known = new Map<string, Promise<string | undefined>>();
  const digest = async (id: string): Promise<string | undefined> => {
    const bytes = await session.secret(id, signal);
    return bytes === undefined ? undefined : (await derive(bytes, storeKey(db), LENGTH)).toString('hex');
  };
  return async (id) => {
    if (!counting.has(id)) return undefined;
    const found = known.get(id) ?? digest(id);
    known.set(id, found);
    return await found;
  };
}

const NAME = 'secret-digest-key';

function storeKey(db: Engine['db']): Buffer {
  const text = db.transaction((sql) => {
    sql.run('INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)', NAME, randomBytes(LENGTH).toString('hex'));
    return sql.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', NAME)?.value ?? '';
  });
  return Buffer.from(text, 'hex');
}
