// What users write after -p and EXPOSE, by Docker's grammar and in its words. Pure.
import { isIP } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import type { PortMapping, Protocol } from './types.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * `80`, `8080:80`, `127.0.0.1:8080:80/tcp`, `127.0.0.1::80`, `:5000`, `8000-8010:80`, `8000-8001:80-81`, `[::1]:80:80`, and the long
 * form `target=80,published=8080,protocol=tcp`. Throws invalid-argument 'port.invalid'.
 */
export function parsePortSpec(spec: string): PortMapping[] {
  const short = spec.includes('=') ? shortForm(spec) : spec;
  const { rest, protocol } = splitProtocol(short);
  const { hostIp, host, container } = splitParts(rest);
  if (container === '') throw invalid(`no port specified: ${spec}<empty>`);
  const inside = parseRange(container, 'containerPort');
  const outside = host === '' ? undefined : parseRange(host, 'hostPort');
  if (outside === undefined) return each(inside, (containerPort) => ({ hostIp, hostPort: 0, containerPort, protocol }));
  if (length(inside) !== length(outside)) {
    if (length(inside) !== 1) throw invalid(`Invalid ranges specified for container and host Ports: ${container} and ${host}`);
    return [{ hostIp, hostPort: outside.start, hostPortEnd: outside.end, containerPort: inside.start, protocol }];
  }
  return each(inside, (containerPort) => ({ hostIp, hostPort: outside.start + containerPort - inside.start, containerPort, protocol }));
}

/** `80`, `80/udp`, `8000-8010/tcp`. Throws invalid-argument 'port.invalid'. */
export function parseExposed(spec: string): { port: number; protocol: Protocol }[] {
  const { rest, protocol } = splitProtocol(spec);
  if (rest === '') throw invalid(`no port specified: ${spec}<empty>`);
  return each(parseRange(rest, 'containerPort'), (port) => ({ port, protocol }));
}

/** -P: a port of the host's choice for every exposed one that is not published by name. Returns all mappings. */
export function publishAll(exposed: Readonly<Record<string, unknown>>, explicit: readonly PortMapping[]): PortMapping[] {
  const named = new Set(explicit.map((mapping) => `${mapping.containerPort}/${mapping.protocol}`));
  const wanted = Object.keys(exposed)
    .flatMap(parseExposed)
    .filter(({ port, protocol }) => !named.has(`${port}/${protocol}`));
  wanted.sort((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol));
  return [...explicit, ...wanted.map(({ port, protocol }) => ({ hostIp: '', hostPort: 0, containerPort: port, protocol }))];
}

/** Keys of `ExposedPorts`: what the image exposes, `--expose` and what is published. */
export function mergeExposed(
  exposed: Readonly<Record<string, unknown>> | undefined,
  more: readonly string[],
  published: readonly PortMapping[],
): Record<string, Record<string, never>> {
  const keys = [
    ...Object.keys(exposed ?? {}),
    ...more.flatMap(parseExposed).map(({ port, protocol }) => `${port}/${protocol}`),
    ...published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ];
  return Object.fromEntries([...new Set(keys)].map((key) => [key, {}]));
}

function splitProtocol(spec: string): { rest: string; protocol: Protocol } {
  const slash = spec.lastIndexOf('/');
  if (slash < 0) return { rest: spec, protocol: 'tcp' };
  const name = spec.slice(slash + 1);
  const protocol = name.toLowerCase();
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw invalid(`Invalid proto: ${name}`);
  return { rest: spec.slice(0, slash), protocol };
}

/** The container's port comes last, the host's before it; whatever is before that is an address, which may have colons. */
function splitParts(text: string): { hostIp: string; host: string; container: string } {
  const parts = text.split(':');
  const container = parts.pop()!;
  const host = parts.pop() ?? '';
  const address = parts.join(':');
  const hostIp = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address;
  if (hostIp !== '' && isIP(hostIp) === 0) throw invalid(`Invalid ip address: ${hostIp}`);
  return { hostIp, host, container };
}

function parseRange(text: string, what: string): Range {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const start = Number(match?.[1]);
  const end = match?.[2] === undefined ? start : Number(match[2]);
  if (match === null || start > 65535 || end > 65535 || end < start) throw invalid(`Invalid ${what}: ${text}`);
  return { start, end };
}

function length({ start, end }: Range): number {
  return end - start + 1;
}

function each<T>(range: Range, make: (port: number) => T): T[] {
  return Array.from({ length: length(range) }, (_, offset) => make(range.start + offset));
}

function shortForm(spec: string): string {
  const fields: Record<string, string> = {};
  for (const field of spec.split(',')) {
    const [key = '', value = ''] = field.split('=').map((part) => part.trim().toLowerCase());
    if (!['target', 'published', 'protocol', 'mode'].includes(key) || value === '')
      throw invalid(`invalid publish opts format (should be name=value but got '${field}')`);
    fields[key] = value;
  }
  return `${fields['published'] === undefined ? '' : `${fields['published']}:`}${fields['target'] ?? ''}/${fields['protocol'] ?? 'tcp'}`;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'port.invalid', message);
}
