// `serve` in this process, on a store of its own with one small image, and its workers as they are in use.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type Host, serveApi, type Tls } from '../../src/api/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { addImage } from '../integration/container-fixture.ts';
import { ask, type RawAnswer } from './raw-http.ts';
import { environmentOf } from './command-line.ts';
import { SLIPWAY } from './store.ts';

export interface ApiServer {
  readonly engine: Engine;
  readonly folder: string;
  /** Of the socket. */
  readonly path: string;
  /** Of the address on loopback, with TLS where that was asked for. */
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  /** One request; what comes back as JSON is parsed. */
  request(line: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<RawAnswer & { readonly json: any }>;
  close(): Promise<void>;
}

/** @param o.tls serves loopback by TLS as well */
export async function apiServer(o: { readonly tls?: Tls } = {}): Promise<ApiServer> {
  const folder = mkdtempSync('/dev/shm/slipway-api-');
  const [root, run] = [join(folder, 'root'), join(folder, 'run')];
  const environment = environmentOf({ folder, root, run });
  const selfEnvironment = { SLIPWAY_ROOT: root, SLIPWAY_RUN: run, SLIPWAY_SOURCES: '1' };
  const engine = Engine.open({ root, run, selfCommand: [SLIPWAY], selfEnvironment });
  addImage(await engine.containers(), 'tiny', { Env: ['PATH=/bin'], Cmd: ['echo', 'hello'], Labels: { image: 'test' } }, () => {});
  const path = join(folder, 'docker.sock');
  const stop = new AbortController();
  const listening = Promise.withResolvers<readonly Host[]>();
  const serving = serveApi({
    engine,
    program: { version: '1.2.3', debug: false, root, environment: {}, registries: {} },
    worker: { command: [SLIPWAY], environment },
    hosts: [{ kind: 'unix', path }, ...(o.tls ? [{ kind: 'tcp', address: '127.0.0.1', port: 0 } as const] : [])],
    ...(o.tls && { tls: o.tls }),
    signal: stop.signal,
    onListening: listening.resolve,
    warn: () => {},
    now: Date.now,
  });
  serving.catch(listening.reject);
  const tcp = (await listening.promise).find((host) => host.kind === 'tcp');
  return {
    engine,
    folder,
    path,
    port: tcp?.kind === 'tcp' ? tcp.port : 0,
    environment,
    request: async (line, body, headers) => {
      const answer = await ask(path, line, { ...(body !== undefined && { body }), ...(headers && { headers }) });
      let json: unknown;
      try {
        json = JSON.parse(answer.body);
      } catch {
        json = undefined;
      }
      return { ...answer, json };
    },
    close: async () => {
      const containers = await engine.containers();
      for (const c of containers.records.all()) await containers.remove(c, { force: true, volumes: true });
      stop.abort();
      await serving;
      engine.close();
      removeTree(folder);
    },
  };
}

/** Docker's frames in text, as `1:words|2:words`; neighbours of one stream are one. */
export function frames(bytes: string): string {
  const data = Buffer.from(bytes, 'latin1');
  const found: [stream: number, text: string][] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const size = data.readUInt32BE(at + 4);
    const [stream, text] = [data[at] ?? 0, data.toString('utf8', at + 8, at + 8 + size)];
    const last = found.at(-1);
    if (last?.[0] === stream) last[1] += text;
    else found.push([stream, text]);
    at += 8 + size;
  }
  return found.map(([stream, text]) => `${stream}:${text}`).join('|');
}
