// `serve`: Docker's Engine API on this store, for the clients that people already have.
import { resolve } from 'node:path';
import { activatedHosts, type Authorize, type Host, hostText, parseHost, serveApi, type Tls } from '../../api/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { findExecutable, keepFromChildren, readRegularFile } from '../../sys/index.ts';
import { parseDuration } from '../../util/index.ts';
import { askProgram } from '../authorize.ts';
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
    {
      name: 'host',
      short: 'H',
      type: 'list',
      placeholder: 'host',
      help: 'Where to listen: unix:///path, tcp://host:port, or fd:// for sockets of systemd',
    },
    { name: 'docker-compatible', type: 'boolean', help: `Listen on ${DOCKER_SOCKET} as well, unless somebody else does` },
    { name: 'print-env', type: 'boolean', help: 'Print what clients need in their environment, and serve nothing' },
    {
      name: 'authorize',
      type: 'string',
      placeholder: 'program',
      help: 'Ask this program about each request: exit code 0 allows, its output is the reason of a refusal',
    },
    { name: 'idle-timeout', type: 'string', placeholder: 'duration', help: 'End after this time without a connection (5m)' },
    { name: 'tlscacert', type: 'string', placeholder: 'file', help: "Authorities of the clients' certificates (~/.docker/ca.pem)" },
    { name: 'tlscert', type: 'string', placeholder: 'file', help: 'Certificate of the server (~/.docker/cert.pem)' },
    { name: 'tlskey', type: 'string', placeholder: 'file', help: 'Key of the server (~/.docker/key.pem)' },
    { name: 'tlsverify', type: 'boolean', help: 'Serve tcp:// by TLS, to clients with a certificate alone' },
  ],
  async run(ctx, o) {
    if (o.bool('print-env')) return void ctx.stdout.write(environmentText(hostsOf(ctx, o, []), o.bool('tlsverify')));
    const hosts = hostsOf(ctx, o);
    const tls = tlsOf(ctx, o);
    for (const host of hosts) if (host.kind === 'inherited') keepFromChildren(host.fd);
    const [authorize, idleTimeout] = [authorizeOf(ctx, o), idleTimeoutOf(o)];
    const { LISTEN_FDS: _fds, LISTEN_PID: _pid, LISTEN_FDNAMES: _names, ...environment } = ctx.env;
    await serveApi({
      engine: await ctx.engine(),
      program: programFacts(ctx),
      worker: { command: ctx.selfCommand, environment },
      hosts,
      ...(o.bool('docker-compatible') && { ifFree: [parseHost(`unix://${DOCKER_SOCKET}`, { tls: false })] }),
      ...(tls && { tls }),
      ...(authorize && { authorize }),
      ...(idleTimeout !== undefined && { idleTimeout }),
      signal: ctx.signal,
      onListening: (listening) => void ctx.stderr.write(listening.map((host) => `listening on ${hostText(host)}\n`).join('')),
      warn: (message) => void ctx.stderr.write(`WARNING: ${message}\n`),
      now: ctx.now,
    });
  },
};

/** @param activated in the place of `fd://` */
function hostsOf(ctx: Context, o: ParsedOptions, activated?: readonly Host[]): Host[] {
  const given = o.list('host');
  const tls = o.bool('tlsverify');
  return (given.length > 0 ? given : [`unix://${ctx.settings.run}/docker.sock`]).flatMap((text) =>
    text === 'fd://' ? (activated ?? activatedHosts(ctx.env, process.pid)) : parseHost(text, { tls }),
  );
}

function authorizeOf(ctx: Context, o: ParsedOptions): Authorize | undefined {
  const given = o.string('authorize');
  if (given === undefined) return undefined;
  const program = findExecutable(given.includes('/') ? resolve(ctx.cwd, given) : given);
  if (program !== undefined) return askProgram(program);
  throw new SlipwayError('invalid-argument', 'cli.flag', `--authorize: there is no program ${given}`);
}

/** In ms. */
function idleTimeoutOf(o: ParsedOptions): number | undefined {
  const text = o.string('idle-timeout');
  if (text === undefined) return undefined;
  const ns = parseDuration(text);
  const ms = ns === undefined ? 0 : ns / 1e6;
  if (ms >= 1 && ms < 2 ** 31) return ms;
  throw new SlipwayError('invalid-argument', 'cli.flag', `--idle-timeout: ${JSON.stringify(text)} is no time such as 30s or 5m`);
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
