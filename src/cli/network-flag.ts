// The values of `--network`, given once or several times, with what goes along: `name=app,alias=db,ip=10.9.0.5`. In the words of Docker's client.
import { isIP } from 'node:net';
import type { ContainerRequest } from '../engine/index.ts';
import { invalidValue } from './args.ts';
import type { ParsedOptions } from './command.ts';
import { wrongFlag } from './container-values.ts';

type Endpoint = NonNullable<ContainerRequest['endpoints']>[number];

/** Of Docker's fields those without an effect here. */
const REFUSED = new Set(['ip6', 'link-local-ip', 'driver-opt', 'gw-priority']);

/** @throws SlipwayError invalid-argument `cli.flag` */
export function networksOf(o: ParsedOptions): Pick<ContainerRequest, 'network' | 'endpoints' | 'networkAliases'> {
  const given = [...o.list('network'), ...o.list('net')].map(parse);
  const aliases = o.list('network-alias');
  const [ip, mac] = [o.string('ip'), o.string('mac-address')];
  const first = given[0] ?? { network: 'bridge' };
  if (aliases.length > 0 && first.aliases !== undefined)
    throw wrongFlag('conflicting options: cannot specify both --network-alias and per-network alias');
  if (ip !== undefined && first.ip !== undefined)
    throw wrongFlag('conflicting options: cannot specify both --ip and per-network IPv4 address');
  if (mac !== undefined && first.mac !== undefined)
    throw wrongFlag('conflicting options: cannot specify both --mac-address and per-network MAC address');
  if (mac !== undefined) checkMac(mac);
  const endpoints: Endpoint[] = [
    {
      ...first,
      ...(aliases.length > 0 && { aliases }),
      ...(ip !== undefined && { ip }),
      ...(mac !== undefined && { mac: mac.toLowerCase() }),
    },
    ...given.slice(1),
  ];
  const names = endpoints.map((e) => e.network);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw wrongFlag(`network ${JSON.stringify(twice)} is specified multiple times`);
  const isMode = (name: string): boolean => ['bridge', 'host', 'none'].includes(name) || name.startsWith('container:');
  if (aliases.length > 0 && isMode(first.network)) throw wrongFlag('network-scoped aliases are only supported for user-defined networks');
  if (names.length > 1 && names.some(isMode))
    throw wrongFlag('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  const { network, aliases: networkAliases } = endpoints[0]!;
  const isPlain = endpoints.length === 1 && Object.keys(endpoints[0]!).every((key) => key === 'network' || key === 'aliases');
  if (network !== 'bridge' && isMode(network)) {
    if (ip !== undefined)
      throw wrongFlag(
        `invalid config for network ${network}: invalid endpoint settings:\nuser specified IP address is supported on user defined networks only`,
      );
    return { network, ...(networkAliases && { networkAliases }) };
  }
  return { network, ...(networkAliases && { networkAliases }), ...(!isPlain && { endpoints }) };
}

function parse(text: string): Endpoint {
  if (!text.includes('=')) return { network: text === 'default' ? 'bridge' : text };
  const refuse = (why: string): never => {
    throw wrongFlag(invalidValue('--network', text, why));
  };
  let network = '';
  let ip: string | undefined;
  let mac: string | undefined;
  const aliases: string[] = [];
  for (const field of text.split(',')) {
    const [key = '', value] = field.split(/=(.*)/s).map((part) => part.trim());
    if (value === undefined) refuse(`invalid field ${field}`);
    else if (key === 'name') network = value;
    else if (key === 'alias') aliases.push(value);
    else if (key === 'ip') ip = value;
    else if (key === 'mac-address') mac = value;
    else refuse(REFUSED.has(key) ? `the field ${key} is not supported` : `invalid field key ${key}`);
  }
  if (network === '') refuse('network name/id is not specified');
  if (ip !== undefined && isIP(ip) !== 4) refuse(`invalid IPv4 address: ${ip}`);
  if (mac !== undefined) checkMac(mac);
  return {
    network: network === 'default' ? 'bridge' : network,
    ...(aliases.length > 0 && { aliases }),
    ...(ip !== undefined && { ip }),
    ...(mac !== undefined && { mac: mac.toLowerCase() }),
  };
}

function checkMac(mac: string): void {
  if (!/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(mac)) throw wrongFlag(`${mac} is not a valid mac address`);
}
