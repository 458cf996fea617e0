// The files that tell a container its name, its neighbours and its name servers: /etc/hostname, /etc/hosts and /etc/resolv.conf. They are its
// own and no part of its layer; it has them from its start on, and they change in place.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attachment, hostsFile, resolvConf } from '../network/index.ts';
import type { SpecMount } from '../runtime/index.ts';
import type { Container } from './types.ts';

export const IDENTITY = ['resolv.conf', 'hostname', 'hosts'] as const;

export function identityMounts(bundle: string, readonly: boolean): SpecMount[] {
  return IDENTITY.map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(bundle, name),
    options: ['rbind', 'rprivate', readonly ? 'ro' : 'rw'],
  }));
}

export function writeIdentity(bundle: string, c: Container, networks: readonly Attachment[]): void {
  writeFileSync(join(bundle, 'hostname'), `${c.hostname}\n`);
  writeFileSync(join(bundle, 'hosts'), hostsText(c, networks));
  writeFileSync(join(bundle, 'resolv.conf'), resolvText(c, networks));
}

/** Tells a container that runs of its networks; what its programs have written into the files stays. */
export function updateIdentity(bundle: string, c: Container, before: readonly Attachment[], now: readonly Attachment[]): void {
  const hosts = join(bundle, 'hosts');
  const lines = readFileSync(hosts, 'utf8').split('\n').slice(0, -1);
  const own = (one: Attachment): string => ownLine(c, one.ip);
  const kept = lines.filter((line) => !before.some((one) => own(one) === line) || now.some((one) => own(one) === line));
  const added = now.map(own).filter((line) => !kept.includes(line));
  writeFileSync(hosts, [...kept, ...added, ''].join('\n'));
  const resolv = join(bundle, 'resolv.conf');
  if (readFileSync(resolv, 'utf8') === resolvText(c, before)) writeFileSync(resolv, resolvText(c, now));
}

function hostsText(c: Container, networks: readonly Attachment[]): string {
  const r = c.request;
  if (r.network === 'host') return hostFile('/etc/hosts') + r.addHosts.map(hostLine).join('');
  const [first, ...others] = networks;
  const text = hostsFile({
    hostname: c.hostname,
    ...(r.domainname !== undefined && { domainname: r.domainname }),
    ...(first !== undefined && { ip: first.ip, ...(first.gateway !== '' && { hostGateway: first.gateway }) }),
    extraHosts: r.addHosts,
  });
  return text + others.map(({ ip }) => `${ownLine(c, ip)}\n`).join('');
}

/** As `hostsFile` has it. */
function ownLine(c: Container, ip: string): string {
  const { domainname } = c.request;
  return `${ip}\t${domainname ? `${c.hostname}.${domainname} ` : ''}${c.hostname}`;
}

function resolvText({ request: r }: Container, networks: readonly Attachment[]): string {
  const dns = r.dns.length > 0 ? r.dns : networks.flatMap((one) => one.dns);
  if (r.network === 'host' && dns.length === 0) return hostFile('/etc/resolv.conf');
  return resolvConf(hostFile('/etc/resolv.conf'), {
    dns,
    ...(r.dnsSearch !== undefined && { search: r.dnsSearch }),
    ...(r.dnsOptions !== undefined && { options: r.dnsOptions }),
  });
}

/** `name:address` as a line of a hosts file. */
function hostLine(entry: string): string {
  const colon = entry.indexOf(':');
  return `${entry.slice(colon + 1)}\t${entry.slice(0, colon)}\n`;
}

function hostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a machine need not have one
  }
}
