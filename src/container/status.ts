// How a container is told in lists: `Up 2 minutes`, `0.0.0.0:32768->80/tcp`. Pure, in Docker's words.
import type { PortMapping } from '../network/index.ts';
import { humanDuration } from '../util/index.ts';
import type { Container } from './types.ts';

/** The STATUS column. `now` in ms. */
export function statusText(c: Container, now: number): string {
  const ago = (t: number | undefined): string => humanDuration(Math.max(0, now - (t ?? now)));
  switch (c.state.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${ago(c.state.startedAt)}`;
    case 'exited':
      return `Exited (${c.state.exitCode}) ${ago(c.state.finishedAt)} ago`;
    default:
      return c.state.status satisfies never;
  }
}

/** The addresses of the host at which a port is published, as Docker lists them. */
export function hostAddresses(p: PortMapping): string[] {
  const address = p.hostIp === '' ? '0.0.0.0' : p.hostIp;
  return [address.includes(':') ? `[${address}]:${p.hostPort}` : `${address}:${p.hostPort}`];
}

/** The PORTS column: published ports first, then those that are only exposed. */
export function portsText(c: Container): string {
  if (c.state.status !== 'running') return '';
  const published = c.network?.ports ?? [];
  const taken = new Set(published.map((p) => `${p.containerPort}/${p.protocol}`));
  const order = (port: string): number => Number.parseInt(port, 10);
  return [
    ...published.toSorted((a, b) => a.containerPort - b.containerPort).flatMap((p) => hostAddresses(p).map((a) => `${a}->${p.containerPort}/${p.protocol}`)),
    ...c.exposed.filter((p) => !taken.has(p)).sort((a, b) => order(a) - order(b)),
  ].join(', ');
}

/** The COMMAND column, whole. */
export const commandText = (c: Container): string => [...c.process.entrypoint, ...c.process.cmd].join(' ');
