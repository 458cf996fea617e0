// The packet filter rules of a bridge, in chains of its own that are filled and removed as a whole: containers reach out under the host's
// address, published ports lead in, and nothing else does, be it another network or a neighbour of the host that knows the way.
// iptables rather than a table of nftables (decision 021). A batch goes to one iptables-restore, which takes 3 ms.
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run, SYSTEM_PATH } from '../sys/index.ts';
import type { OnStart } from './changing.ts';
import type { TakenPort } from './host-ports.ts';
import type { NetworkInfo, PortMapping, Protocol } from './types.ts';

/** Bridges of any manager of containers: what goes there is for that manager's rules to decide. `+` is any ending. */
const OTHER_BRIDGES = ['sl+', 'docker+', 'br-+', 'podman+', 'cni+', 'virbr+'];

/** A port of the host and the container that it leads to. */
export interface Published extends PortMapping {
  readonly ip: string;
}

type Bridge = Pick<NetworkInfo, 'bridge' | 'subnet' | 'internal'>;

function chains(bridge: string): { ports: string; inward: string; outward: string } {
  return { ports: `SLIPWAY-${bridge}`, inward: `SLIPWAY-IN-${bridge}`, outward: `SLIPWAY-OUT-${bridge}` };
}

/**
 * Rules in the chains of the system, by table. They are inserted, so that they stand before a host's own refusals. `I` inserts,
 * `D` deletes; the text is the same.
 */
function links(action: 'I' | 'D', { bridge, subnet, internal }: Bridge): Record<'raw' | 'nat' | 'filter', string[]> {
  const { ports, inward, outward } = chains(bridge);
  const rule = (text: string): string => `-${action} ${text} -m comment --comment "slipway ${bridge}"`;
  const jump = (text: string, to: string): string => `${rule(text)} -j ${to}`;
  return {
    raw: [jump('PREROUTING', ports)],
    nat: [
      jump('PREROUTING -m addrtype --dst-type LOCAL', ports),
      jump('OUTPUT -m addrtype --dst-type LOCAL', ports),
      ...(internal === true ? [] : [jump(`POSTROUTING -s ${subnet} ! -o ${bridge}`, 'MASQUERADE')]),
      // To a published port from the network itself or from loopback: the answer has to come back here.
      jump(`POSTROUTING -s ${subnet} -o ${bridge} -m conntrack --ctstate DNAT`, 'MASQUERADE'),
      jump(`POSTROUTING -s 127.0.0.0/8 -o ${bridge}`, 'MASQUERADE'),
    ],
    filter: [jump(`FORWARD -o ${bridge}`, inward), jump(`FORWARD -i ${bridge}`, outward)],
  };
}

/**
 * Sets everything up for a bridge that has nothing yet.
 *
 * @param router whether the host forwarded packets before; if not, what is nobody's is dropped: it must not route between its own networks
 *   because containers need a way out
 */
export function bridgeRules(network: Bridge, published: readonly Published[], router: boolean): string {
  const { bridge } = network;
  const { inward, outward } = chains(bridge);
  const into = links('I', network);
  return batch({
    raw: [...portRules(network, published).raw, ...into.raw],
    nat: [...portRules(network, published).nat, ...into.nat],
    filter: [
      ...(router ? [] : ['-P FORWARD DROP']),
      `:${inward} - [0:0]`,
      `-A ${inward} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-A ${inward} -i ${bridge} -j ACCEPT`,
      `-A ${inward} -m conntrack --ctstate DNAT -j ACCEPT`,
      `-A ${inward} -j DROP`,
      `:${outward} - [0:0]`,
      ...OTHER_BRIDGES.map((name) => `-A ${outward} -o ${name} -j RETURN`),
      `-A ${outward} -j ACCEPT`,
      ...into.filter,
    ],
  });
}

/** Makes the published ports of a bridge those of the list; the chains are there. */
export function portsOnly(network: Bridge, published: readonly Published[]): string {
  return batch(portRules(network, published));
}

/** A chain that is declared is emptied. */
function portRules({ bridge, subnet, internal }: Bridge, published: readonly Published[]): Record<'raw' | 'nat', string[]> {
  const { ports } = chains(bridge);
  const each = (make: (port: Published) => string): string[] => published.map((port) => `-A ${ports} ${make(port)}`);
  return {
    raw: [
      `:${ports} - [0:0]`,
      // Before translation: nobody but the network itself speaks to a container's own address, and nobody in the network to the host's loopback.
      `-A ${ports} -d ${subnet} ! -i ${bridge} -j DROP`,
      `-A ${ports} -i ${bridge} -d 127.0.0.0/8 -j DROP`,
      ...(internal === true ? [`-A ${ports} -i ${bridge} ! -d ${subnet} -j DROP`] : []),
      // A neighbour may send to 127.0.0.1, and translation comes before the kernel's own refusal.
      ...each(({ protocol, hostPort }) => `-p ${protocol} -d 127.0.0.0/8 ! -i lo --dport ${hostPort} -j DROP`),
    ],
    nat: [
      `:${ports} - [0:0]`,
      ...each(({ hostIp, protocol, hostPort, ip, containerPort }) => {
        const to = hostIp === '' || hostIp === '0.0.0.0' ? '' : `-d ${hostIp} `;
        return `${to}-p ${protocol} --dport ${hostPort} -j DNAT --to-destination ${ip}:${containerPort}`;
      }),
    ],
  };
}

/** Undoes `bridgeRules`. */
export function removalRules(network: Bridge): string {
  const { ports, inward, outward } = chains(network.bridge);
  const out = links('D', network);
  const drop = (...names: string[]): string[] => names.flatMap((name) => [`-F ${name}`, `-X ${name}`]);
  return batch({
    raw: [...out.raw, ...drop(ports)],
    nat: [...out.nat, ...drop(ports)],
    filter: [...out.filter, ...drop(inward, outward)],
  });
}

/** Undoes what there is of a bridge's rules, after a process died while it set them up. `rules` is the form of iptables-save. */
export function leftoverRules(rules: string, bridge: string): string {
  const names = Object.values(chains(bridge));
  const tables: Record<string, string[]> = {};
  let table = '';
  for (const line of rules.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith('-A ') && line.includes(`--comment "slipway ${bridge}"`))
      (tables[table] ??= []).unshift(line.replace('-A', '-D'));
    else if (line.startsWith(':') && names.includes(line.slice(1).split(' ')[0]!)) {
      const name = line.slice(1).split(' ')[0]!;
      (tables[table] ??= []).push(`-F ${name}`, `-X ${name}`);
    }
  }
  return batch(tables);
}

function batch(tables: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(tables)
    .map(([table, lines]) => [`*${table}`, ...lines, 'COMMIT', ''].join('\n'))
    .join('');
}

export function iptablesRestore(): string {
  return tool('iptables-restore');
}

/** Throws failed-precondition 'network.iptables' with what iptables says. */
export async function applyRules(rules: string, onStart: OnStart): Promise<void> {
  if (rules === '') return;
  const result = await run(iptablesRestore(), ['--noflush', '--wait'], { input: rules, env: { PATH: SYSTEM_PATH }, onStart });
  if (result.exitCode !== 0) throw iptablesFailure(result.stderr);
}

/** The rules in force, in the form of iptables-save. */
export async function currentRules(table?: 'nat'): Promise<string> {
  const result = await run(tool('iptables-save'), table === undefined ? [] : ['-t', table], { env: { PATH: SYSTEM_PATH } });
  if (result.exitCode !== 0) throw iptablesFailure(result.stderr);
  return result.stdout;
}

/** Ports of the host that some rule sends elsewhere, whoever made it. */
export function forwardedPorts(rules: string): TakenPort[] {
  const taken: TakenPort[] = [];
  for (const line of rules.split('\n')) {
    if (!line.startsWith('-A ') || !/ -j (DNAT|NETAVARK-DN-\S+)/.test(line)) continue;
    const protocol = / -p (tcp|udp|sctp) /.exec(line)?.[1] as Protocol | undefined;
    const [, low, high] = / --dport (\d+)(?::(\d+))? /.exec(line) ?? [];
    if (protocol === undefined || low === undefined) continue;
    const hostIp = / -d (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? '';
    for (let hostPort = Number(low); hostPort <= Number(high ?? low); hostPort++) taken.push({ hostIp, hostPort, protocol });
  }
  return taken;
}

function tool(name: string): string {
  const path = findExecutable(name, SYSTEM_PATH);
  if (path === undefined) {
    throw new SlipwayError('failed-precondition', 'network.no-iptables', `networks need ${name}, which is not installed`, {
      hints: ['install the package iptables', 'or do without: --network host, --network none'],
    });
  }
  return path;
}

function iptablesFailure(message: string): SlipwayError {
  return new SlipwayError('failed-precondition', 'network.iptables', `iptables failed: ${message.trim()}`, {
    hints: ['the kernel may lack nf_tables, the raw table, NAT or conntrack; try: modprobe -a iptable_nat iptable_raw'],
  });
}
