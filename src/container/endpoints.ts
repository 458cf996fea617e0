// The networks of a container: which ones they are, what may be asked of them, and how they are joined when it starts.
import { isIPv4 } from 'node:net';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import type { Attachment, AttachRequest, PortMapping } from '../network/index.ts';
import { createNetworkNamespace, deleteNetworkNamespace } from '../sys/index.ts';
import { sha256Hex } from '../util/index.ts';
import { hasNetwork, netnsFile } from './folders.ts';
import type { ContainerParts } from './parts.ts';
import { ContainerRecords } from './records.ts';
import { isAlive } from './transitions.ts';
import type { Container, ContainerRequest, Endpoint } from './types.ts';

/** Of a container with the network of the host, of another container, or with none, there is nothing. */
export function endpointsOf(c: Pick<Container, 'request' | 'endpoints'>): readonly Endpoint[] {
  if (!hasNetwork(c)) return [];
  const { network, networkAliases: aliases, endpoints } = c.request;
  return c.endpoints ?? endpoints ?? [{ network, ...(aliases !== undefined && { aliases }) }];
}

/** The names of its networks, and `host` or `none` for those two. */
export function networkNames(c: Container): string[] {
  const mode = c.request.network;
  return mode === 'host' || mode === 'none' ? [mode] : endpointsOf(c).map((e) => e.network);
}

/** What it has got of its networks; nothing when it does not run. */
export function attachmentsOf(c: Container): readonly Attachment[] {
  return c.networks ?? (c.network === undefined ? [] : [c.network]);
}

/** Names by which others of a network find a container besides its own. */
export const aliasesIn = (c: Container, network: string): string[] =>
  aliasesOf(
    c,
    endpointsOf(c).find((e) => e.network === network),
  );

const aliasesOf = (c: Container, e: Endpoint | undefined): string[] => [...(e?.aliases ?? []), c.id.slice(0, 12)];

/** Makes its namespace, and attaches it to all its networks. The one that leads out of it comes first. */
export async function joinNetworks(parts: ContainerParts, c: Container): Promise<readonly Attachment[]> {
  try {
    return await join(parts, c);
  } catch (e) {
    if (!isSlipwayError(e) || e.kind === 'cancelled') throw e;
    const programming = e.code.startsWith('port.')
      ? `driver failed programming external connectivity on endpoint ${c.name} (${c.id}): `
      : '';
    throw e.withContext({ message: `failed to set up container networking: ${programming}${e.message}${holderText(parts, c, e)}` });
  }
}

/** Who has the port that `e` says is taken. */
function holderText({ db }: ContainerParts, c: Container, e: SlipwayError): string {
  if (e.code !== 'port.allocated') return '';
  const wanted = (p: PortMapping): boolean =>
    c.request.ports.some(
      (own) => own.protocol === p.protocol && p.hostPort >= own.hostPort && p.hostPort <= (own.hostPortEnd ?? own.hostPort),
    );
  const holder = new ContainerRecords(db)
    .all()
    .find((other) => other.id !== c.id && isAlive(other) && other.network?.ports.some(wanted) === true);
  return holder === undefined ? '' : ` (by container ${holder.name})`;
}

async function join(parts: ContainerParts, c: Container): Promise<readonly Attachment[]> {
  if (!hasNetwork(c)) return [];
  const netnsPath = netnsFile(parts.layout, c.id);
  deleteNetworkNamespace(netnsPath); // of a start that was killed
  createNetworkNamespace(netnsPath);
  const [first, ...others] = endpointsOf(c);
  if (first === undefined) {
    parts.network.loopback(netnsPath);
    return [];
  }
  const attachment = await parts.network.attach({ ...attachRequest(c, first, netnsPath), id: c.id });
  if (others.length === 0) return [attachment];
  for (const e of others) await parts.network.attach(furtherRequest(c, e, netnsPath));
  return parts.network.attached(c.id);
}

function attachRequest(c: Container, e: Endpoint, netnsPath: string): Omit<AttachRequest, 'id'> {
  return {
    name: c.name,
    netnsPath,
    ports: c.request.ports,
    network: e.network,
    aliases: aliasesOf(c, e),
    ...(e.ip !== undefined && { ip: e.ip }),
    ...(e.mac !== undefined && { mac: e.mac }),
  };
}

/** To attach it to a network besides its first one. */
export function furtherRequest(c: Container, e: Endpoint, netnsPath: string): AttachRequest {
  return { ...attachRequest(c, e, netnsPath), id: `${c.id}.${sha256Hex(e.network).slice(0, 12)}`, container: c.id };
}

/** @throws SlipwayError invalid-argument `container.endpoint`, for what its network cannot be asked for, in Docker's words */
export function checkEndpoint(parts: ContainerParts, e: Endpoint): void {
  const wrong: string[] = [];
  const predefined = ['bridge', 'default'].includes(e.network);
  // the default network has its addresses before any container is on it
  const info = predefined && e.ip !== undefined ? parts.network.require(e.network) : parts.network.get(e.network);
  if ((e.aliases ?? []).length > 0 && predefined) wrong.push('network-scoped aliases are only supported for user-defined networks');
  if (e.ip !== undefined && predefined) wrong.push('user specified IP address is supported on user defined networks only');
  if (e.ip !== undefined && !isIPv4(e.ip)) wrong.push(`invalid IPv4 address: ${e.ip}`);
  const isOutside = e.ip !== undefined && info !== undefined && !parts.network.hasAddress(info, e.ip);
  if (e.ip !== undefined && predefined && !isOutside)
    wrong.push('user specified IP address is supported only when connecting to networks with user configured subnets');
  if (isOutside) wrong.push(`no configured subnet or ip-range contain the IP address ${e.ip}`);
  if (wrong.length === 0) return;
  const list = wrong.length === 1 ? wrong.join('') : wrong.map((w) => `* ${w}`).join('\n');
  throw new SlipwayError('invalid-argument', 'container.endpoint', `invalid endpoint settings:\n${list}`);
}

/** As `checkEndpoint`, of a container that is yet to be made. */
export function checkEndpointOf(parts: ContainerParts, e: Endpoint): void {
  try {
    checkEndpoint(parts, e);
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    throw error.withContext({ message: `invalid config for network ${e.network}: ${error.message}`, exitCode: 125 });
  }
}

/** The request with the names of networks in place of their IDs. */
export function withNetworkNames(parts: ContainerParts, r: ContainerRequest): ContainerRequest {
  const nameOf = (word: string): string => parts.network.get(word)?.name ?? word;
  if (!hasNetwork({ request: r })) return r;
  return {
    ...r,
    network: nameOf(r.network),
    ...(r.endpoints !== undefined && { endpoints: r.endpoints.map((e) => ({ ...e, network: nameOf(e.network) })) }),
  };
}

export function recordAttachments(r: Container, attachments: readonly Attachment[]): void {
  const [first, ...others] = attachments;
  if (first === undefined) delete r.network;
  else r.network = first;
  if (others.length === 0) delete r.networks;
  else r.networks = attachments;
}
