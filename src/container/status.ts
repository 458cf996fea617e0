// How a container is told in lists: `Up 2 minutes`, `0.0.0.0:32768->80/tcp`. Pure, in Docker's words.
import type { PortMapping } from '../network/index.ts';
import { humanDuration } from '../util/index.ts';
import type { Container } from './types.ts';

/** In which state it is for users: a paused one runs, and is told apart. */
export const stateText = ({ state }: Container): string => (state.status === 'running' && state.paused === true ? 'paused' : state.status);

/** The STATUS column. `now` in ms. */
export function statusText(c: Container, now: number): string {
  const since = (t: number | undefined): string => humanDuration(Math.max(0, now - (t ?? now)));
  switch (c.state.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(c.state.startedAt)}${c.state.paused === true ? ' (Paused)' : healthText(c)}`;
    case 'restarting':
      return `Restarting (${c.state.exitCode}) ${since(c.state.finishedAt)} ago`;
    case 'exited':
      return `Exited (${c.state.exitCode}) ${since(c.state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    default:
      return c.state.status satisfies never;
  }
}

function healthText({ state: { health } }: Container): string {
  if (health === undefined) return '';
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`;
}

export interface Binding {
  readonly hostIp: string;
  readonly hostPort: number;
}

/** The addresses of the host at which a port is published. Without an address given it is every one of IPv4 (decision 020). */
export function bindings(p: PortMapping): Binding[] {
  return [{ hostIp: p.hostIp === '' ? '0.0.0.0' : p.hostIp, hostPort: p.hostPort }];
}

/** `0.0.0.0:80`, `[::]:80`. */
export function bindingText(b: Binding): string {
  return b.hostIp.includes(':') ? `[${b.hostIp}]:${b.hostPort}` : `${b.hostIp}:${b.hostPort}`;
}

/** The PORTS column: ports that have the same number outside are drawn together with their neighbours (`80-82/tcp`), the others stand behind them. */
export function portsText(c: Container): string {
  if (c.state.status !== 'running') return '';
  const published = c.network?.ports ?? [];
  const known = new Set(published.map((p) => `${p.containerPort}/${p.protocol}`));
  const entries: Entry[] = [
    ...published.flatMap((p) =>
      bindings(p).map((b) => ({ ip: b.hostIp, from: b.hostPort, port: p.containerPort, protocol: p.protocol as string })),
    ),
    ...c.exposed
      .filter((e) => !known.has(e))
      .map((e) => ({ ip: '', from: 0, port: Number.parseInt(e, 10), protocol: e.slice(e.indexOf('/') + 1) })),
  ];
  return grouped(entries.sort(byPort)).join(', ');
}

interface Entry {
  readonly ip: string;
  readonly from: number;
  readonly port: number;
  readonly protocol: string;
}

const byPort = (a: Entry, b: Entry): number => a.port - b.port || compare(a.ip, b.ip) || a.from - b.from || compare(a.protocol, b.protocol);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function grouped(entries: readonly Entry[]): string[] {
  const runs = new Map<string, { first: number; last: number }>();
  const texts: string[] = [];
  const moved: string[] = [];
  const textOf = (key: string, { first, last }: { first: number; last: number }): string => {
    const [protocol, address = ''] = key.split(' ');
    const span = first === last ? String(first) : `${first}-${last}`;
    return `${address === '' ? '' : `${address}:${span}->`}${span}/${protocol}`;
  };
  for (const { ip, from, port, protocol } of entries) {
    const address = ip.includes(':') ? `[${ip}]` : ip;
    if (ip !== '' && from !== port) {
      moved.push(`${address}:${from}->${port}/${protocol}`);
      continue;
    }
    const key = `${protocol} ${address}`;
    const run = runs.get(key);
    if (run?.last === port - 1) run.last = port;
    else {
      if (run !== undefined) texts.push(textOf(key, run));
      runs.set(key, { first: port, last: port });
    }
  }
  return [...texts, ...[...runs].map(([key, run]) => textOf(key, run)), ...moved];
}

export interface PublishedPort extends Binding {
  /** `80/tcp`. */
  readonly port: string;
}

/** What `port` prints, a line each; only of one port of the container (`80`, `80/udp`) when it is given. */
export function publishedPorts(c: Container, only?: string): PublishedPort[] {
  const wanted = only === undefined || only.includes('/') ? only?.toLowerCase() : `${only}/tcp`;
  if (c.state.status !== 'running') return [];
  return (c.network?.ports ?? [])
    .toSorted((a, b) => a.containerPort - b.containerPort)
    .flatMap((p) => bindings(p).map((b) => ({ ...b, port: `${p.containerPort}/${p.protocol}` })))
    .filter((p) => wanted === undefined || p.port === wanted);
}

/** The COMMAND column, whole. Arguments with blanks are quoted, as in Docker. */
export function commandText(c: Container): string {
  const [path = '', ...args] = [...c.process.entrypoint, ...c.process.cmd];
  return [path, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}
