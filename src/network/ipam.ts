// What `network create` says about addresses and options, checked and completed, in Docker's words. Pure.
import { isIP, isIPv4 } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import { addressText } from './links.ts';
import { contains, parseSubnet, type Subnet } from './subnets.ts';
import type { NetworkInfo } from './types.ts';

export interface AddressPlan {
  /** CIDR; a free one when left out. */
  readonly subnet?: string;
  readonly gateway?: string;
  /** CIDR inside the subnet: only its addresses are given out. */
  readonly ipRange?: string;
  /** Names and addresses that are never given out. */
  readonly auxAddresses?: Readonly<Record<string, string>>;
  /** Refused. */
  readonly ipv6?: boolean;
}

/** @throws SlipwayError invalid-argument 'network.plan', unsupported 'network.ipv6' */
export function checkPlan(o: AddressPlan): void {
  if (o.ipv6 === true) throw noIPv6();
  if (o.subnet === undefined) {
    if (o.gateway !== undefined || o.ipRange !== undefined) throw wrong('every ip-range or gateway must have a corresponding subnet');
    const [aux] = Object.values(o.auxAddresses ?? {});
    if (aux !== undefined) throw wrong(`no matching subnet for aux-address ${aux}`);
    return;
  }
  const [address = '', length = ''] = o.subnet.split('/');
  if (isIP(address) === 6) throw noIPv6();
  const config = (why: string): SlipwayError => wrong(`invalid network config:\n${why}`);
  if (!isIPv4(address) || !/^\d+$/.test(length) || Number(length) > 32)
    throw config(`invalid subnet ${o.subnet}: invalid CIDR block notation`);
  const subnet = parseSubnet(o.subnet);
  const aligned = `${addressText(subnet.base)}/${length}`;
  if (aligned !== o.subnet) throw config(`invalid subnet ${o.subnet}: it should be ${aligned}`);
  const inside = (ip: string): boolean => isIPv4(ip) && contains(subnet, ip);
  if (o.gateway !== undefined && !inside(o.gateway)) throw wrong(`no matching subnet for gateway ${o.gateway}`);
  if (o.ipRange !== undefined) checkRange(o.ipRange, o.subnet, inside, config);
  for (const aux of Object.values(o.auxAddresses ?? {})) if (!inside(aux)) throw wrong(`no matching subnet for aux-address ${aux}`);
}

function checkRange(text: string, subnet: string, inside: (ip: string) => boolean, config: (why: string) => SlipwayError): void {
  const [start = '', length = ''] = text.split('/');
  if (!inside(start)) throw wrong(`no matching subnet for range ${text}`);
  if (!/^\d+$/.test(length) || Number(length) > 32) throw config(`invalid ip-range ${text}: invalid CIDR block notation`);
  if (Number(length) < Number(subnet.split('/')[1]))
    throw config(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${subnet}`);
  const aligned = addressText(rangeOf(text).base);
  if (aligned !== start) throw config(`invalid ip-range ${text}: it should be ${aligned}/${length}`);
}

/** The first address of the subnet, or of the range that addresses are given out of. */
export function defaultGateway(subnet: Subnet, ipRange: string | undefined): string {
  const base = ipRange === undefined ? subnet.base : rangeOf(ipRange).base;
  return addressText(base === subnet.base ? base + 1 : base);
}

/** A range may be a single address, where a subnet may not. */
export function rangeOf(text: string): Subnet {
  const [start = '', length = ''] = text.split('/');
  const size = 2 ** (32 - Number(length));
  const number = start.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { base: Math.floor(number / size) * size, prefixLength: Number(length) };
}

function noIPv6(): SlipwayError {
  return new SlipwayError('unsupported', 'network.ipv6', 'networks with IPv6 are not supported', {
    hints: ['containers have addresses of IPv4; leave out --ipv6 and subnets of IPv6'],
  });
}

const BRIDGE_NAME = 'com.docker.network.bridge.name';
const MTU = 'com.docker.network.driver.mtu';

/** Options of Docker's bridge driver that would change what a network does, and have no effect here unless they say what is so anyway. */
const SETTLED: Readonly<Record<string, string>> = {
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.gateway_mode_ipv4': 'nat',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.bridge.inhibit_ipv4': 'false',
  'com.docker.network.bridge.trusted_host_interfaces': '',
  'com.docker.network.container_iface_prefix': 'eth',
};

/** Others are kept and shown, as Docker does. @throws SlipwayError invalid-argument 'network.option', unsupported */
export function readOptions(options: Readonly<Record<string, string>>): Pick<NetworkInfo, 'mtu'> & { readonly bridge?: string } {
  for (const [key, value] of Object.entries(options)) {
    const settled = SETTLED[key];
    if (settled !== undefined && value !== settled)
      throw new SlipwayError('unsupported', 'network.option', `the network option ${key}=${value} is not supported`, {
        hints: [`networks are as with ${key}=${settled}`],
      });
  }
  const bridge = options[BRIDGE_NAME];
  // names of interfaces end up in rules and paths
  if (bridge !== undefined && !/^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/.test(bridge))
    throw wrong(`invalid bridge name ${JSON.stringify(bridge)}: up to 15 letters, digits, '_', '.' and '-'`);
  const text = options[MTU];
  const mtu = Number(text);
  if (text !== undefined && (!/^\d+$/.test(text) || (mtu !== 0 && (mtu < 68 || mtu > 65535)))) throw wrong(`invalid MTU: ${text}`);
  return { ...(bridge !== undefined && { bridge }), ...(text !== undefined && mtu !== 0 && { mtu }) };
}

const wrong = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'network.plan', message);
