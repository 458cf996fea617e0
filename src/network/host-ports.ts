// Choosing ports of the host: really free ones, neither listened on nor forwarded by anybody's rules. What is chosen is listened on
// until its rules are in force, so that no two processes ever choose the same.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, isIPv6 } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import type { PortMapping, Protocol } from './types.ts';

/** A port that rules forward already; hostIp '' is every address. */
export interface TakenPort {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: Protocol;
}

export interface ReservedPorts extends Disposable {
  /** With every host port chosen. */
  readonly ports: readonly PortMapping[];
}

/**
 * Gives every mapping its port. `forwarded` reads the rules: after the ports are held, since another process holds its own until its
 * rules are in force. Throws conflict 'port.allocated' or 'port.in-use', in Docker's words; permission-denied 'port.not-allowed'; unsupported 'port.ipv6'.
 */
export async function reservePorts(wanted: readonly PortMapping[], forwarded: () => Promise<readonly TakenPort[]>): Promise<ReservedPorts> {
  for (const mapping of wanted) refuseIPv6(mapping);
  let rules: readonly TakenPort[] = [];
  for (;;) {
    const held: (() => void)[] = [];
    const release = (): void => held.splice(0).forEach((close) => close());
    try {
      const ports: PortMapping[] = [];
      for (const mapping of wanted) ports.push(await holdOne(mapping, [...rules, ...ports], held));
      rules = wanted.length === 0 ? [] : await forwarded();
      if (!ports.some((port) => isTaken(port, port.hostPort, rules))) return { ports, [Symbol.dispose]: release };
      release();
    } catch (error) {
      release();
      throw error;
    }
  }
}

async function holdOne(mapping: PortMapping, used: readonly TakenPort[], held: (() => void)[]): Promise<PortMapping> {
  const address = mapping.hostIp === '' ? '0.0.0.0' : mapping.hostIp;
  const { low, high, only } = rangeOf(mapping);
  for (let port = low; port <= high; port++) {
    if (isTaken(mapping, port, used)) continue;
    const hold = await listen(address, port, mapping.protocol);
    if (typeof hold === 'string') {
      if (only) throw refusal(hold, address, mapping);
      continue;
    }
    held.push(hold);
    const { hostPortEnd: _, ...rest } = mapping;
    return { ...rest, hostPort: port };
  }
  const what = only ? `${low} failed: port is already allocated` : `${low}-${high} failed: all ports are allocated`;
  throw new SlipwayError('conflict', 'port.allocated', `Bind for ${address}:${what}`);
}

function rangeOf({ hostPort, hostPortEnd }: PortMapping): { low: number; high: number; only: boolean } {
  if (hostPort !== 0) return { low: hostPort, high: hostPortEnd ?? hostPort, only: hostPortEnd === undefined };
  const [low = 32768, high = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').trim().split(/\s+/).map(Number);
  return { low, high, only: false };
}

/** Containers have no IPv6 address, and no process of ours stays to pass on what comes by IPv6 (decision 020). */
function refuseIPv6({ hostIp }: PortMapping): void {
  if (!isIPv6(hostIp)) return;
  throw new SlipwayError('unsupported', 'port.ipv6', `ports cannot be published on the IPv6 address ${hostIp}`, {
    hints: ['leave the address out, or give one of IPv4'],
  });
}

function isTaken(mapping: PortMapping, port: number, used: readonly TakenPort[]): boolean {
  return used.some(
    (other) =>
      other.hostPort === port &&
      other.protocol === mapping.protocol &&
      (isAny(other.hostIp) || isAny(mapping.hostIp) || other.hostIp === mapping.hostIp),
  );
}

function isAny(address: string): boolean {
  return address === '' || address === '0.0.0.0';
}

/** Listens until the function that comes back is called; the system's error code when that cannot be. The kernel cannot be asked for SCTP this way. */
function listen(address: string, port: number, protocol: Protocol): Promise<string | (() => void)> {
  if (protocol === 'sctp') return Promise.resolve(() => {});
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'EADDRINUSE');
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', failed);
      server.listen({ host: address, port, exclusive: true }, () => resolve(() => server.close()));
    } else {
      const socket = createSocket('udp4');
      socket.once('error', failed);
      socket.bind({ address, port, exclusive: true }, () => resolve(() => socket.close()));
    }
  });
}

function refusal(code: string, address: string, mapping: PortMapping): SlipwayError {
  const what = `failed to bind host port ${address}:${mapping.hostPort}/${mapping.protocol}`;
  if (code === 'EACCES') return new SlipwayError('permission-denied', 'port.not-allowed', `${what}: permission denied`);
  if (code === 'EADDRNOTAVAIL') return new SlipwayError('invalid-argument', 'port.no-address', `${what}: cannot assign requested address`);
  return new SlipwayError('conflict', 'port.in-use', `${what}: address already in use`, {
    hints: [`another program listens on port ${mapping.hostPort}; stop it, or publish on another port with -p`],
  });
}
