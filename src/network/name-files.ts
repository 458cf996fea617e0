// The files that tell a container who it and others are: /etc/resolv.conf and /etc/hosts.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { SlipwayError } from '../model/index.ts';

/** What Docker asks when the host has no name server that a container could reach. */
const FALLBACK_SERVERS: readonly string[] = ['8.8.8.8', '8.8.4.4'];
const STUB_RESOLVER = '127.0.0.53';

export interface ResolvOptions {
  readonly dns?: readonly string[];
  /** '.' alone: no search list. */
  readonly search?: readonly string[];
  readonly options?: readonly string[];
  /** Share the host's network: its loopback is ours. */
  readonly keepLoopback?: boolean;
}

/** The host's own file; where systemd-resolved stands between, the one with the real servers. */
export function hostResolvConf(): string {
  const text = readOrEmpty('/etc/resolv.conf');
  const servers = valuesOf(text, 'nameserver');
  return servers.length === 1 && servers[0] === STUB_RESOLVER ? readOrEmpty('/run/systemd/resolve/resolv.conf') || text : text;
}

/** The text for a container, made of the host's: without servers on loopback, which in the container is its own. */
export function resolvConf(host: string, o: ResolvOptions = {}): string {
  const own = valuesOf(host, 'nameserver').filter((server) => o.keepLoopback || !isLoopback(server));
  const servers = o.dns?.length ? o.dns : own.length > 0 ? own : FALLBACK_SERVERS;
  const search = o.search?.length ? o.search.filter((domain) => domain !== '.') : searchOf(host);
  const options = o.options?.length ? o.options : valuesOf(host, 'options').flatMap((line) => line.split(/\s+/));
  const lines = servers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

export interface HostsOptions {
  readonly hostname?: string;
  /** BuildKit's short form: the name is the loopback's. */
  readonly sandbox?: boolean;
  readonly domainname?: string;
  /** The container's own address. */
  readonly ip?: string;
  /** `name:ip` or `name=ip`; the address may be `host-gateway`. */
  readonly extraHosts?: readonly string[];
  /** What `host-gateway` stands for. */
  readonly hostGateway?: string;
}

/** Throws invalid-argument 'hosts.invalid'. */
export function hostsFile(o: HostsOptions = {}): string {
  const lines = o.sandbox
    ? [`127.0.0.1\tlocalhost ${o.hostname ?? ''}`, '::1\tlocalhost ip6-localhost ip6-loopback']
    : [
        '127.0.0.1\tlocalhost',
        '::1\tlocalhost ip6-localhost ip6-loopback',
        'fe00::\tip6-localnet',
        'ff00::\tip6-mcastprefix',
        'ff02::1\tip6-allnodes',
        'ff02::2\tip6-allrouters',
      ];
  for (const extra of o.extraHosts ?? []) lines.push(extraHost(extra, o.hostGateway));
  if (o.ip !== undefined && o.hostname !== undefined)
    lines.push(`${o.ip}\t${o.domainname ? `${o.hostname}.${o.domainname} ` : ''}${o.hostname}`);
  return `${lines.join('\n')}\n`;
}

function extraHost(text: string, gateway: string | undefined): string {
  const [, name = '', given = ''] = /^([^:=]+)[:=](.*)$/.exec(text) ?? [];
  const address = given === 'host-gateway' ? gateway : given.replace(/^\[(.*)\]$/, '$1');
  if (name === '') throw new SlipwayError('invalid-argument', 'hosts.invalid', `bad format for add-host: ${JSON.stringify(text)}`);
  if (address === undefined)
    throw new SlipwayError(
      'failed-precondition',
      'hosts.no-gateway',
      `unable to derive the IP value for host-gateway of ${JSON.stringify(text)}: this network has no gateway`,
    );
  if (isIP(address) === 0)
    throw new SlipwayError('invalid-argument', 'hosts.invalid', `invalid IP address in add-host: ${JSON.stringify(address)}`);
  return `${address}\t${name}`;
}

function searchOf(text: string): string[] {
  const last = text.split('\n').findLast((line) => /^\s*(search|domain)\s/.test(line));
  return last === undefined ? [] : last.trim().split(/\s+/).slice(1);
}

function valuesOf(text: string, key: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*$/, '').trim())
    .filter((line) => line.startsWith(`${key} `) || line.startsWith(`${key}\t`))
    .map((line) => line.slice(key.length).trim());
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
