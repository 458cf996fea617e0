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

/** The PORTS column: neighbouring ports are drawn together (`80-82/tcp`), published ones come with their addresses. */
export function portsText(c: Container): string {
  if (c.state.status !== 'running') return '';
  const published = c.network?.ports ?? [];
  const known = new Set(published.map((p) => `${p.containerPort}/${p.protocol}`));
  const entries: Entry[] = [
    ...published.flatMap((p) =>
      bindings(p).map((b) => ({
        address: bindingText({ ...b, hostPort: 0 }).slice(0, -1),
        from: b.hostPort,
        port: p.containerPort,
        protocol: p.protocol as string,
      })),
    ),
    ...c.exposed
      .filter((e) => !known.has(e))
      .map((e) => ({ address: '', from: 0, port: Number.parseInt(e, 10), protocol: e.slice(e.indexOf('/') + 1) })),
  ];
  return grouped(entries).join(', ');
}

interface Entry {
  readonly address: string;
  readonly from: number;
  readonly port: number;
  readonly protocol: string;
}

function grouped(entries: readonly Entry[]): string[] {
  const runs: { first: Entry; last: Entry }[] = [];
  const sorted = entries.toSorted((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0));
  for (const e of sorted) {
    const run = runs.find(
      ({ last }) =>
        last.address === e.address &&
        last.protocol === e.protocol &&
        last.port + 1 === e.port &&
        (e.address === '' || last.from + 1 === e.from),
    );
    if (run === undefined) runs.push({ first: e, last: e });
    else run.last = e;
  }
  return runs.map(({ first, last }) => {
    const span = (a: number, b: number): string => (a === b ? String(a) : `${a}-${b}`);
    const inside = `${span(first.port, last.port)}/${first.protocol}`;
    return first.address === '' ? inside : `${first.address}${span(first.from, last.from)}->${inside}`;
  });
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
