// Choosing ports of the host: really free ones, neither listened on nor forwarded by anybody's rules.
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

/** Gives every mapping its port. Throws conflict 'port.allocated' or 'port.in-use', in Docker's words; permission-denied 'port.not-allowed'. */
export async function choosePorts(wanted: readonly PortMapping[], taken: readonly TakenPort[]): Promise<PortMapping[]> {
  const used = [...taken];
  const chosen: PortMapping[] = [];
  for (const { hostPortEnd, ...mapping } of wanted) {
    const hostPort = await chooseOne(mapping, hostPortEnd, used);
    chosen.push({ ...mapping, hostPort });
    used.push({ hostIp: mapping.hostIp, hostPort, protocol: mapping.protocol });
  }
  return chosen;
}

async function chooseOne(mapping: PortMapping, last: number | undefined, used: readonly TakenPort[]): Promise<number> {
  const address = mapping.hostIp === '' ? '0.0.0.0' : mapping.hostIp;
  if (mapping.hostPort !== 0 && last === undefined) {
    if (isTaken(mapping, mapping.hostPort, used))
      throw new SlipwayError('conflict', 'port.allocated', `Bind for ${join(address, mapping.hostPort)} failed: port is already allocated`);
    const problem = await tryBind(address, mapping.hostPort, mapping.protocol);
    if (problem !== undefined) throw refusal(problem, address, mapping);
    return mapping.hostPort;
  }
  const [low, high] = last === undefined ? ephemeralRange() : [mapping.hostPort, last];
  for (let port = low; port <= high; port++) {
    if (!isTaken(mapping, port, used) && (await tryBind(address, port, mapping.protocol)) === undefined) return port;
  }
  throw new SlipwayError('conflict', 'port.allocated', `Bind for ${address}:${low}-${high} failed: all ports are allocated`);
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
  return address === '' || address === '0.0.0.0' || address === '::';
}

function ephemeralRange(): [number, number] {
  const [low = 32768, high = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').trim().split(/\s+/).map(Number);
  return [low, high];
}

/** The system's error code when something listens there; undefined when the port is free. The kernel cannot be asked for SCTP this way. */
function tryBind(address: string, port: number, protocol: Protocol): Promise<string | undefined> {
  if (protocol === 'sctp') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'EADDRINUSE');
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', failed);
      server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)));
    } else {
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
      socket.once('error', failed);
      socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
    }
  });
}

function refusal(code: string, address: string, mapping: PortMapping): SlipwayError {
  const where = join(address, mapping.hostPort);
  const what = `failed to bind host port ${where}/${mapping.protocol}`;
  if (code === 'EACCES') return new SlipwayError('permission-denied', 'port.not-allowed', `${what}: permission denied`);
  if (code === 'EADDRNOTAVAIL') return new SlipwayError('invalid-argument', 'port.no-address', `${what}: cannot assign requested address`);
  return new SlipwayError('conflict', 'port.in-use', `${what}: address already in use`, {
    hints: [`another program listens on port ${mapping.hostPort}; stop it, or publish on another port with -p`],
  });
}

function join(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
