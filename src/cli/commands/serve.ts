// `serve`: Docker's Engine API on this store, for the clients that people already have.
import { resolve } from 'node:path';
import { type Host, hostText, parseHost, serveApi, type Tls } from '../../api/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { readRegularFile } from '../../sys/index.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { programFacts } from './info.ts';

/** Bytes of a file with certificates. */
const LARGEST_PEM = 1 << 20;

/** Where programs look for Docker that were told nothing. */
const DOCKER_SOCKET = '/var/run/docker.sock';

export const serve: Command = {
  name: 'serve',
  summary: "Serve Docker's Engine API, for the docker command line and other clients",
  usage: '[OPTIONS]',
  examples: ['slipway serve', 'slipway serve -H unix:///run/slipway/docker.sock -H tcp://127.0.0.1:2375', 'slipway serve --print-env'],
  args: { min: 0, max: 0 },
  options: [
    { name: 'host', short: 'H', type: 'list', placeholder: 'host', help: 'Where to listen: unix:///path or tcp://host:port' },
    { name: 'docker-compatible', type: 'boolean', help: `Listen on ${DOCKER_SOCKET} as well, unless somebody else does` },
    { name: 'print-env', type: 'boolean', help: 'Print what clients need in their environment, and serve nothing' },
    { name: 'tlscacert', type: 'string', placeholder: 'file', help: "Authorities of the clients' certificates (~/.docker/ca.pem)" },
    { name: 'tlscert', type: 'string', placeholder: 'file', help: 'Certificate of the server (~/.docker/cert.pem)' },
    { name: 'tlskey', type: 'string', placeholder: 'file', help: 'Key of the server (~/.docker/key.pem)' },
    { name: 'tlsverify', type: 'boolean', help: 'Serve tcp:// by TLS, to clients with a certificate alone' },
  ],
  async run(ctx, o) {
    const hosts = hostsOf(ctx, o);
    if (o.bool('print-env')) return void ctx.stdout.write(environmentText(hosts, o.bool('tlsverify')));
    const tls = tlsOf(ctx, o);
    await serveApi({
      engine: await ctx.engine(),
      program: programFacts(ctx),
      worker: { command: ctx.selfCommand, environment: ctx.env },
      hosts,
      ...(o.bool('docker-compatible') && { ifFree: [parseHost(`unix://${DOCKER_SOCKET}`, { tls: false })] }),
      ...(tls && { tls }),
      signal: ctx.signal,
      onListening: (listening) => void ctx.stderr.write(listening.map((host) => `listening on ${hostText(host)}\n`).join('')),
      warn: (message) => void ctx.stderr.write(`WARNING: ${message}\n`),
      now: ctx.now,
    });
  },
};

function hostsOf(ctx: Context, o: ParsedOptions): Host[] {
  const given = o.list('host');
  const tls = o.bool('tlsverify');
  return (given.length > 0 ? given : [`unix://${ctx.settings.run}/docker.sock`]).map((text) => parseHost(text, { tls }));
}

function environmentText([host]: readonly Host[], tls: boolean): string {
  if (host === undefined) return '';
  return `export DOCKER_HOST=${hostText(host)}\n${tls && host.kind === 'tcp' ? 'export DOCKER_TLS_VERIFY=1\n' : ''}`;
}

function tlsOf(ctx: Context, o: ParsedOptions): Tls | undefined {
  const names = ['tlscacert', 'tlscert', 'tlskey'] as const;
  if (!o.bool('tlsverify')) {
    const without = names.find((name) => o.has(name));
    if (without === undefined) return undefined;
    throw new SlipwayError('invalid-argument', 'cli.flag', `--${without} needs --tlsverify`, {
      hints: ['a server that does not ask for certificates of clients would be open to everybody'],
    });
  }
  const folder = ctx.env['DOCKER_CERT_PATH'] || resolve(ctx.env['HOME'] ?? '/', '.docker');
  const file = (name: (typeof names)[number], usual: string): Buffer =>
    readRegularFile(resolve(ctx.cwd, o.string(name) ?? resolve(folder, usual)), LARGEST_PEM);
  return { ca: file('tlscacert', 'ca.pem'), cert: file('tlscert', 'cert.pem'), key: file('tlskey', 'key.pem') };
}
