// `NetworkMode` and `NetworkingConfig`: the networks of a container, and what it is to have in each.
import { isIPv4 } from 'node:net';
import type { ContainerRequest } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { Fields } from '../http/fields.ts';

type Endpoint = NonNullable<ContainerRequest['endpoints']>[number];
export type Networking = Pick<ContainerRequest, 'network' | 'endpoints' | 'networkAliases'>;

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

const nameOf = (word: string): string => (word === 'default' || word === '' ? 'bridge' : word);

/** @param mac of `Config.MacAddress`, which older clients send */
export function networkingOf(mode: string, config: Fields | undefined, mac: string | undefined): Networking {
  const network = nameOf(mode);
  const given = (config?.entries('EndpointsConfig') ?? []).map(([name, value]) => endpointOf(nameOf(name), value));
  const first = given.find((e) => e.network === network) ?? { network };
  const others = given.filter((e) => e !== first);
  const main = { ...first, ...(mac !== undefined && first.mac === undefined && { mac: macOf(mac) }) };
  if (network === 'host' || network === 'none' || network.startsWith('container:')) {
    if (main.ip !== undefined) throw refuse(network, 'user specified IP address is supported on user defined networks only');
    if (others.length > 0) throw refuse(network, 'conflicting options: cannot attach both user-defined and non-user-defined network-modes');
    return { network };
  }
  const isPlain = others.length === 0 && main.ip === undefined && main.mac === undefined;
  return { network, ...(main.aliases && { networkAliases: main.aliases }), ...(!isPlain && { endpoints: [main, ...others] }) };
}

/** `EndpointSettings`. @throws SlipwayError `api.endpoint` */
export function endpointOf(network: string, value: unknown): Endpoint {
  if (value === null) return { network };
  const e = Fields.of(value, `EndpointsConfig.${network}`);
  const ipam = e.object('IPAMConfig');
  ipam?.refuse({ IPv6Address: 'containers have addresses of IPv4', LinkLocalIPs: 'containers have addresses of IPv4' });
  e.refuse({
    Links: 'aliases name other containers of a network',
    DriverOpts: 'bridges have none',
    GwPriority: 'the first network by name leads out',
  });
  const aliases = [...new Set(e.texts('Aliases') ?? [])];
  const ip = ipam?.word('IPv4Address');
  if (ip !== undefined && !isIPv4(ip)) throw refuse(network, `invalid endpoint settings:\ninvalid IPv4 address: ${ip}`);
  const mac = e.word('MacAddress');
  return {
    network,
    ...(aliases.length > 0 && { aliases }),
    ...(ip !== undefined && { ip }),
    ...(mac !== undefined && { mac: macOf(mac) }),
  };
}

function macOf(mac: string): string {
  if (MAC.test(mac)) return mac.toLowerCase();
  throw new SlipwayError('invalid-argument', 'api.endpoint', `invalid MAC address: ${mac}`);
}

const refuse = (network: string, why: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'api.endpoint', `invalid config for network ${network}: ${why}`);
