// The packet filter rules of a bridge: containers may reach out under the host's address. A batch of rules goes to one
// iptables-restore, which takes 3 ms where netavark's many calls of iptables take 30. Also: reading and clearing away what
// netavark has set up, for containers whose network namespace is gone.
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run } from '../sys/index.ts';
import type { OnStart } from './changing.ts';
import type { TakenPort } from './host-ports.ts';
import type { PortMapping, Protocol } from './types.ts';

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `I` inserts and `D` deletes. Rules are inserted so that they stand before a host's own refusals. */
export function outboundRules(action: 'I' | 'D', bridge: string, subnet: string): string {
  const note = `-m comment --comment "slipway ${bridge}"`;
  return [
    '*nat',
    `-${action} POSTROUTING -s ${subnet} ! -o ${bridge} ${note} -j MASQUERADE`,
    'COMMIT',
    '*filter',
    `-${action} FORWARD -i ${bridge} ${note} -j ACCEPT`,
    `-${action} FORWARD -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED ${note} -j ACCEPT`,
    `-${action} FORWARD -o ${bridge} -m conntrack --ctstate DNAT ${note} -j ACCEPT`,
    'COMMIT',
    '',
  ].join('\n');
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
export async function currentRules(table?: 'nat' | 'filter'): Promise<string> {
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

/** What undoes netavark's port forwarding for one container: the rules that name it, and those for its address. */
export function containerLeftovers(rules: string, id: string, ip: string, ports: readonly PortMapping[]): string {
  return undo(rules, 'nat', (line) => {
    if (!line.includes('NETAVARK-')) return false;
    if (line.includes(` id: ${id}"`)) return true;
    if (!line.startsWith('-A NETAVARK-DN-')) return false;
    if (line.includes(` --to-destination ${ip}:`)) return true;
    return line.includes('-j NETAVARK-HOSTPORT-SETMARK') && ports.some((port) => marks(line, port));
  });
}

/** Whether it is the rule that marks packets to this port for masquerading (those from the network itself and from loopback). */
function marks(line: string, port: PortMapping): boolean {
  const address = port.hostIp === '' || port.hostIp === '0.0.0.0' ? undefined : port.hostIp;
  return (
    line.includes(` -p ${port.protocol} `) &&
    line.includes(` --dport ${port.hostPort} `) &&
    (address === undefined ? !line.includes(' -d ') : line.includes(` -d ${address}/`))
  );
}

/** What undoes everything that netavark and we have set up for a bridge that nobody uses any more. */
export function bridgeLeftovers(rules: string, bridge: string, subnet: string): string {
  const chains = new Set<string>();
  for (const line of rules.split('\n')) {
    const chain = new RegExp(`^-A POSTROUTING -s ${subnet.replaceAll('.', '\\.')} -j (NETAVARK-[0-9A-F]+)$`).exec(line)?.[1];
    if (chain !== undefined) chains.add(chain).add(chain.replace('NETAVARK-', 'NETAVARK-DN-'));
  }
  const ours = (line: string): boolean =>
    line.includes(`--comment "slipway ${bridge}"`) ||
    (line.startsWith('-A NETAVARK_FORWARD ') && new RegExp(` -[sd] ${subnet.replaceAll('.', '\\.')} `).test(line)) ||
    [...chains].some((chain) => line.startsWith(`-A ${chain} `) || line.endsWith(` -j ${chain}`));
  return undo(rules, 'nat', ours, chains) + undo(rules, 'filter', ours);
}

function undo(rules: string, table: string, chosen: (line: string) => boolean, chains: ReadonlySet<string> = new Set()): string {
  const lines: string[] = [];
  let inside = false;
  const present: string[] = [];
  for (const line of rules.split('\n')) {
    if (line.startsWith('*')) inside = line === `*${table}`;
    else if (inside && line.startsWith('-A ') && chosen(line)) lines.push(line.replace(/^-A/, '-D'));
    else if (inside && line.startsWith(':') && chains.has(line.slice(1).split(' ')[0]!)) present.push(line.slice(1).split(' ')[0]!);
  }
  lines.push(...present.map((chain) => `-X ${chain}`));
  return lines.length === 0 ? '' : [`*${table}`, ...lines, 'COMMIT', ''].join('\n');
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
    hints: ['the kernel may lack nf_tables, NAT or conntrack; try: modprobe iptable_nat'],
  });
}
