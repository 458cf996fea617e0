// Finding addresses that nobody uses: a subnet that no route of the host touches, and a free address in it. Pure, apart from
// reading the routes.
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import { addressNumber, addressText } from './links.ts';

export interface Subnet {
  /** First address, as a number. */
  readonly base: number;
  readonly prefixLength: number;
}

/** Throws invalid-argument 'network.invalid-subnet'. */
export function parseSubnet(text: string): Subnet {
  const [address = '', length = ''] = text.split('/');
  const prefixLength = Number(length);
  if (!isIPv4(address) || !/^\d+$/.test(length) || prefixLength > 30)
    throw new SlipwayError('invalid-argument', 'network.invalid-subnet', `invalid subnet ${text}: IPv4 in CIDR notation is needed`);
  const size = 2 ** (32 - prefixLength);
  return { base: Math.floor(addressNumber(address) / size) * size, prefixLength };
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${addressText(base)}/${prefixLength}`;
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base < b.base + 2 ** (32 - b.prefixLength) && b.base < a.base + 2 ** (32 - a.prefixLength);
}

export function contains(subnet: Subnet, address: string): boolean {
  return overlaps(subnet, { base: addressNumber(address), prefixLength: 32 });
}

/** The network itself, its gateway and its broadcast address are never given out, nor what is not in `range`. */
export function freeAddress(subnet: Subnet, gateway: string, used: ReadonlySet<string>, range: Subnet = subnet): string | undefined {
  const last = Math.min(range.base + 2 ** (32 - range.prefixLength) - 1, subnet.base + 2 ** (32 - subnet.prefixLength) - 2);
  for (let number = Math.max(range.base, subnet.base + 1); number <= last; number++) {
    const address = addressText(number);
    if (address !== gateway && !used.has(address)) return address;
  }
  return undefined;
}

/** One of 10.188.0.0/16 … 10.254.0.0/16: rarely used by company networks, by Docker or by Podman. */
export function freeSubnet(inUse: readonly Subnet[]): Subnet {
  for (let second = 188; second <= 254; second++) {
    const candidate = parseSubnet(`10.${second}.0.0/16`);
    if (!inUse.some((other) => overlaps(candidate, other))) return candidate;
  }
  throw new SlipwayError(
    'failed-precondition',
    'network.no-subnet',
    'no free subnet for a network: every one from 10.188.0.0/16 to 10.254.0.0/16 overlaps with a route of this host',
  );
}

/** Destinations of the host's routes (proc(5), /proc/net/route), default routes left out, those through `except` too. */
export function hostRoutes(except?: string, text: string = readFileSync('/proc/thread-self/net/route', 'latin1')): Subnet[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(([name]) => name !== except)
    .map(([, destination = '0', , , , , , mask = '0']) => ({ base: littleEndian(destination), prefixLength: bits(littleEndian(mask)) }))
    .filter(({ prefixLength }) => prefixLength > 0);
}

function littleEndian(hex: string): number {
  return Buffer.from(hex.trim().padStart(8, '0'), 'hex').readUInt32LE(0);
}

function bits(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length;
}
