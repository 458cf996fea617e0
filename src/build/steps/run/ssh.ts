// Lends the user's SSH agent to a command: a socket of our own that passes on what is said to the real one.
import { chmodSync, chownSync, closeSync, openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, dirname } from 'node:path';

/** Listens on `path`; resolves to what ends it. */
export async function forwardAgent(
  path: string,
  agent: string,
  o: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<() => Promise<void>> {
  const server = createServer((here) => {
    const there = connect(agent);
    here.on('error', () => there.destroy());
    there.on('error', () => here.destroy());
    here.pipe(there);
    there.pipe(here);
  });
  // the name of a socket may have 107 bytes only (unix(7)): a descriptor of its directory stands for the rest, until the
  // server takes its name away again
  const directory = openSync(dirname(path), 'r');
  server.once('close', () => closeSync(directory));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${directory}/${basename(path)}`, resolve);
  });
  chownSync(path, o.uid, o.gid);
  chmodSync(path, o.mode);
  return () => new Promise((resolve) => server.close(() => resolve()));
}
