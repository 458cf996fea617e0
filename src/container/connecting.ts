// A container is connected with a network, or leaves it, while it runs or rests. What its record lists is what counts: an attachment that it
// does not list belongs to a command that was killed, and is taken down by the next one.
import { existsSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { type Attachment, connectedAlready } from '../network/index.ts';
import { crashPoint } from '../util/index.ts';
import { attachmentsOf, checkEndpoint, endpointsOf, furtherRequest, recordAttachments } from './endpoints.ts';
import { hasNetwork, runFolder } from './folders.ts';
import { updateIdentity } from './identity.ts';
import type { Managed } from './managed.ts';
import type { ContainerParts } from './parts.ts';
import { isAlive } from './transitions.ts';
import type { Container, Endpoint } from './types.ts';

/**
 * Connects a container with a network: at once when it runs, else from its next start on.
 * @throws SlipwayError not-found `network.not-found`, conflict `network.connected`, failed-precondition `container.endpoint`
 */
export async function connectNetwork(manager: Managed, asked: Container, wanted: Endpoint): Promise<void> {
  const { records, parts } = manager;
  const info = networkOf(parts, wanted.network, 'connect');
  const e = { ...wanted, network: info };
  refuseMode(asked, 'connect');
  const c = asked.state.status === 'running' ? await manager.started(asked) : asked;
  if (endpointsOf(c).some((one) => one.network === info)) throw connectedAlready(c.name, info);
  checkEndpoint(parts, e);
  const isRunning = isAlive(c);
  const check = (): void => {
    if (endpointsOf(records.get(c.id) ?? c).some((one) => one.network === info)) throw connectedAlready(c.name, info);
  };
  if (isRunning) await parts.network.attach({ ...furtherRequest(c, e, `/proc/${c.state.pid}/ns/net`), check });
  if (isRunning) crashPoint('network.endpoint-attached');
  const now = isRunning ? parts.network.attached(c.id) : [];
  const outcome: { is: 'done' | 'changed' | 'connected' } = { is: 'changed' };
  records.update(c.id, (r) => {
    if (isRunning ? !isAlive(r) || r.state.process !== c.state.process : isAlive(r)) return;
    outcome.is = !isRunning && endpointsOf(r).some((one) => one.network === info) ? 'connected' : 'done';
    if (outcome.is !== 'done') return;
    r.endpoints = [...endpointsOf(r).filter((one) => one.network !== info), e];
    if (isRunning) recordAttachments(r, now);
  });
  if (outcome.is === 'connected') throw connectedAlready(c.name, info);
  if (outcome.is === 'changed') {
    // it was started, or ended, meanwhile; what was attached went with it, or goes now
    await manager.endings.reconcile();
    const again = records.get(c.id);
    if (again === undefined) throw new SlipwayError('not-found', 'container.not-found', `No such container: ${c.name}`);
    return connectNetwork(manager, again, wanted);
  }
  if (isRunning) tell(parts, c, attachmentsOf(c), now);
}

/** Takes a container out of a network. @throws SlipwayError not-found `network.not-found`, failed-precondition `container.not-connected` */
export async function disconnectNetwork(manager: Managed, asked: Container, network: string): Promise<void> {
  const { records, parts } = manager;
  const info = networkOf(parts, network, 'disconnect');
  if (asked.request.network === 'host' || asked.request.network === 'none') refuseMode(asked, 'disconnect');
  const c = asked.state.status === 'running' ? await manager.started(asked) : asked;
  await parts.network.disown(c.id, info);
  let isConnected = false;
  const now = records.update(c.id, (r) => {
    isConnected = endpointsOf(r).some((one) => one.network === info);
    if (isConnected) r.endpoints = endpointsOf(r).filter((one) => one.network !== info);
  });
  if (now === undefined || !isConnected)
    throw new SlipwayError('failed-precondition', 'container.not-connected', `container ${c.id} is not connected to network ${info}`);
  crashPoint('network.endpoint-left');
  if (!isAlive(now)) return;
  await parts.network.disconnect(now.id, info, `/proc/${now.state.pid}/ns/net`);
  const left = parts.network.attached(now.id);
  records.update(now.id, (r) => {
    if (isAlive(r) && r.state.process === now.state.process) recordAttachments(r, left);
  });
  tell(parts, now, attachmentsOf(now), left);
}

function tell({ layout }: ContainerParts, c: Container, before: readonly Attachment[], now: readonly Attachment[]): void {
  const bundle = runFolder(layout, c.id);
  if (existsSync(bundle)) updateIdentity(bundle, c, before, now);
}

function networkOf(parts: ContainerParts, name: string, what: 'connect' | 'disconnect'): string {
  if (name === 'host' && what === 'connect')
    throw refused('cannot connect container to host network - container must be created in host network mode');
  if (name === 'host') throw leavesHost();
  if (name === 'none') throw hasNone();
  const found = parts.network.get(name);
  if (found !== undefined) return found.name;
  if (name === 'bridge') return name; // made when it is first used
  throw new SlipwayError('not-found', 'network.not-found', `network ${name} not found`);
}

function refuseMode(c: Container, what: 'connect' | 'disconnect'): void {
  const { network } = c.request;
  if (hasNetwork(c)) return;
  if (network === 'none') throw hasNone();
  if (what === 'disconnect') throw leavesHost();
  throw refused('container sharing network namespace with another container or host cannot be connected to any other network');
}

const refused = (message: string): SlipwayError => new SlipwayError('failed-precondition', 'container.endpoint', message);
const leavesHost = (): SlipwayError =>
  refused('cannot disconnect container from host network - container was created in host network mode');
const hasNone = (): SlipwayError =>
  refused('container cannot be connected to multiple networks with one of the networks in private (none) mode');
