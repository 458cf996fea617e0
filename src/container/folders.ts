// Where a container's files lie.
import { join } from 'node:path';
import type { Layout } from '../store/index.ts';
import type { Container } from './types.ts';

/** What dies with the machine: the bundle, the mount point of its file system, pid files, the files that tell it its name. */
export function runFolder(layout: Layout, id: string): string {
  return join(layout.runContainers, id);
}

/** What stays: the log. Made when something is written. */
export function stateFolder(layout: Layout, id: string): string {
  return join(layout.containers, id);
}

export function logFile(layout: Layout, id: string): string {
  return join(stateFolder(layout, id), 'log');
}

export function netnsFile(layout: Layout, id: string): string {
  return join(layout.netns, id);
}

/** Where conmon writes exit codes. (It also puts a file called `exit` beside its sockets.) */
export function exitFolder(layout: Layout, id: string): string {
  return join(runFolder(layout, id), 'ended');
}

/** Whether it has a network namespace that we made: not with `none` (the runtime's own), `host` and that of another container. */
export function hasNetwork(c: Pick<Container, 'request'>): boolean {
  return c.request.network !== 'none' && c.request.network !== 'host' && !c.request.network.startsWith('container:');
}
