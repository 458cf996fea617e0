// Builders for tests: servers of Slipway on stores of their own, and a command line that uses them from a store of its own.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { findExecutable } from '../../src/sys/index.ts';
import { type ApiServer, apiServer } from './api-server.ts';
import { CommandLine, environmentOf } from './command-line.ts';

export interface Fleet {
  readonly servers: readonly ApiServer[];
  /** `unix://…`, in the order of the servers. */
  readonly addresses: readonly string[];
  readonly here: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  /** Where `here` works. */
  readonly cwd: string;
  /** Writes files below `cwd`. */
  write(files: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

/** Servers, each with an image `base` that has a shell. */
export async function fleet(n: number, o: Parameters<typeof apiServer>[0] = {}): Promise<Fleet> {
  const servers: ApiServer[] = [];
  for (let i = 0; i < n; i++) servers.push(await apiServer(o));
  const { folder } = servers[0] as ApiServer;
  const cwd = join(folder, 'work');
  mkdirSync(join(cwd, 'base/bin'), { recursive: true });
  copyFileSync(findExecutable('busybox') as string, join(cwd, 'base/bin/sh'));
  chmodSync(join(cwd, 'base/bin/sh'), 0o755);
  writeFileSync(join(cwd, 'base/Dockerfile'), 'FROM scratch\nCOPY bin /bin\nENV PATH=/bin\nLABEL base=yes\n');
  const environment = {
    ...environmentOf({ folder: cwd, root: join(folder, 'root2'), run: join(folder, 'run2') }),
    XDG_CONFIG_HOME: join(folder, 'config'),
  };
  const here = new CommandLine({ env: environment, cwd });
  for (const line of [here, ...servers.map((s) => new CommandLine({ env: s.environment, cwd }))])
    await line.ok('build', '-q', '-t', 'base', 'base');
  return {
    servers,
    addresses: servers.map((s) => `unix://${s.path}`),
    here,
    environment,
    cwd,
    write: (files) => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(cwd, name, '..'), { recursive: true });
        writeFileSync(join(cwd, name), text);
      }
    },
    close: async () => {
      for (const s of servers.toReversed()) await s.close();
    },
  };
}

/** A way to a socket that is cut, as when the machine on the other side dies, when something comes from there that `ends` knows. */
export async function wayTo(
  path: string,
  ends: (data: Buffer) => boolean,
): Promise<{ readonly address: string; readonly cut: () => void }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(path);
    far.on('data', (data: Buffer) => ends(data) && cut());
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}
