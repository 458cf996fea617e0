// A real docker-registry on loopback for tests: plain, with TLS, with passwords, or with tokens.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RegistryOptions {
  readonly folder: string;
  /** One that is free when left out. */
  readonly port?: number;
  /** A command that runs it, in another network for instance. */
  readonly within?: readonly string[];
  readonly tls?: { readonly cert: string; readonly key: string };
  /** bcrypt lines of an htpasswd file. */
  readonly htpasswd?: string;
  readonly token?: { readonly realm: string; readonly service: string; readonly issuer: string; readonly cert: string };
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startRegistry(o: RegistryOptions): Promise<TestRegistry> {
  mkdirSync(o.folder, { recursive: true });
  const lines = [
    'version: 0.1',
    'log: {level: info}',
    `storage: {filesystem: {rootdirectory: ${join(o.folder, 'data')}}, delete: {enabled: true}}`,
    `http: {addr: "127.0.0.1:${o.port ?? 0}"${o.tls ? `, tls: {certificate: ${o.tls.cert}, key: ${o.tls.key}}` : ''}}`,
  ];
  if (o.htpasswd !== undefined) {
    writeFileSync(join(o.folder, 'htpasswd'), o.htpasswd);
    lines.push(`auth: {htpasswd: {realm: tests, path: ${join(o.folder, 'htpasswd')}}}`);
  }
  if (o.token !== undefined) {
    const { realm, service, issuer, cert } = o.token;
    lines.push(`auth: {token: {realm: "${realm}", service: ${service}, issuer: ${issuer}, rootcertbundle: ${cert}}}`);
  }
  const config = join(o.folder, 'config.yml');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const [program, ...words] = [...(o.within ?? []), 'docker-registry', 'serve', config];
  const child: ChildProcess = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const listening = Promise.withResolvers<number>();
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) listening.resolve(Number(port));
  });
  const ended = new Promise<void>((resolve) => {
    child.on('error', (error) => (listening.reject(error), resolve()));
    child.on('close', () => (listening.reject(new Error(`docker-registry did not start: ${said}`)), resolve()));
  });
  const port = await listening.promise;
  return {
    host: `127.0.0.1:${port}`,
    port,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** An authority of our own, and a certificate of it for 127.0.0.1. */
export function makeCertificates(folder: string): { authority: string; cert: string; key: string } {
  mkdirSync(folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...ec, '-subj', '/CN=tests', '-keyout', at('ca.key'), '-out', at('ca.crt'));
  openssl('req', ...ec.slice(0, 5), '-subj', '/CN=127.0.0.1', '-keyout', at('server.key'), '-out', at('server.csr'));
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('names'),
    '-out',
    at('server.crt'),
  );
  return { authority: at('ca.crt'), cert: at('server.crt'), key: at('server.key') };
}

/** The body of a PEM file. */
export const pemBody = (path: string): string => readFileSync(path, 'utf8').replace(/-----[^-]+-----|\s/g, '');
