// Lends the user's SSH agent to a command: a socket of our own that passes on what is said to the real one.
import { chmodSync, chownSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** Listens on `path`; resolves to what ends it. */
export async function forwardAgent(path: string, agent: string, o: { readonly mode: number; readonly uid: number; readonly gid: number }): Promise<() => Promise<void>> {
  const server = createServer((here) => {
    const there = connect(agent);
    here.on('error', () => there.destroy());
    there.on('error', () => here.destroy());
    here.pipe(there);
    there.pipe(here);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chownSync(path, o.uid, o.gid);
  chmodSync(path, o.mode);
  return () => new Promise((resolve) => server.close(() => resolve()));
}
