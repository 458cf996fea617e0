// netavark: the program that publishes ports and serves user-made networks with names (through aardvark-dns). It takes a
// description on standard input and a network namespace, and answers in JSON.
import { mkdirSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run } from '../sys/index.ts';
import type { OnStart } from './changing.ts';
import { SYSTEM_PATH } from './firewall.ts';
import type { NetworkInfo, PortMapping } from './types.ts';

const FOLDERS = '/usr/libexec/podman:/usr/lib/podman:/usr/local/libexec/podman:/usr/local/lib/podman';

export interface NetavarkRequest {
  readonly id: string;
  readonly name: string;
  readonly netnsPath: string;
  readonly ip: string;
  readonly mac: string;
  readonly ports: readonly PortMapping[];
  readonly network: NetworkInfo;
  readonly aliases: readonly string[];
  /** A folder for its and aardvark's files. */
  readonly config: string;
}

interface Status {
  readonly error?: string;
  readonly [network: string]:
    | { readonly dns_server_ips?: readonly string[]; readonly interfaces?: Record<string, { readonly mac_address: string }> }
    | string
    | undefined;
}

/** Throws failed-precondition 'network.no-netavark' or 'network.netavark'. Returns the addresses of name servers. */
export async function netavarkSetup(o: NetavarkRequest, onStart: OnStart): Promise<{ dns: string[] }> {
  const status = await call(o, onStart);
  const mine = status[o.network.name];
  return { dns: typeof mine === 'object' ? [...(mine.dns_server_ips ?? [])] : [] };
}

async function call(o: NetavarkRequest, onStart: OnStart): Promise<Status> {
  mkdirSync(o.config, { recursive: true, mode: 0o700 });
  const args = ['--config', o.config];
  if (o.network.dns) {
    const aardvark = findExecutable('aardvark-dns', `${FOLDERS}:${SYSTEM_PATH}`);
    if (aardvark === undefined) throw missing('aardvark-dns');
    args.push('--aardvark-binary', aardvark);
  }
  const program = findExecutable('netavark', `${FOLDERS}:${SYSTEM_PATH}`);
  if (program === undefined) throw missing('netavark');
  const result = await run(program, [...args, 'setup', o.netnsPath], {
    input: JSON.stringify(describe(o)),
    env: { PATH: SYSTEM_PATH },
    onStart,
  });
  const status = parse(result.stdout);
  if (result.exitCode !== 0 || status.error !== undefined) {
    throw new SlipwayError(
      'failed-precondition',
      'network.netavark',
      `netavark setup failed: ${status.error ?? (result.stderr.trim() || `exit code ${result.exitCode}`)}`,
    );
  }
  return status;
}

function parse(text: string): Status {
  try {
    return JSON.parse(text || '{}') as Status;
  } catch {
    return { error: text.trim() };
  }
}

function describe(o: NetavarkRequest): unknown {
  const { network } = o;
  return {
    container_id: o.id,
    container_name: o.name,
    port_mappings: o.ports.map((port) => ({
      container_ip: '',
      container_port: port.containerPort,
      host_ip: port.hostIp === '0.0.0.0' ? '' : port.hostIp,
      host_port: port.hostPort,
      protocol: port.protocol,
      range: 1,
    })),
    networks: { [network.name]: { static_ips: [o.ip], static_mac: o.mac, interface_name: 'eth0', aliases: o.aliases } },
    network_info: {
      [network.name]: {
        name: network.name,
        id: network.id,
        driver: 'bridge',
        network_interface: network.bridge,
        subnets: [{ subnet: network.subnet, gateway: network.gateway }],
        ipv6_enabled: false,
        internal: false,
        dns_enabled: network.dns,
        ipam_options: { driver: 'host-local' },
      },
    },
  };
}

function missing(program: string): SlipwayError {
  return new SlipwayError(
    'failed-precondition',
    'network.no-netavark',
    `${program} is not installed; published ports and networks of your own need it`,
    { hints: [`install the package ${program}`] },
  );
}
