// `attach`: a further client of a container that runs already.
import { SlipwayError } from '../model/index.ts';
import { Attachment, resizeThrough } from '../runtime/index.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { runFolder } from './folders.ts';
import type { SignalSource } from './foreground.ts';
import { type ContainerManager, refuseResting } from './manager.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

export interface AttachOptions extends ConnectionOptions {
  /** Signals to be passed on to the container. */
  readonly signals?: SignalSource;
  /** Called when everything that the container writes from now on will arrive. */
  readonly onConnected?: () => void;
}

/** Tells the terminal of a container how large its window is. @throws SlipwayError conflict `container.not-running` */
export async function resizeTerminal(
  manager: ContainerManager,
  container: Container,
  size: { readonly columns: number; readonly rows: number },
): Promise<void> {
  const c = await manager.started(container);
  refuseResting(c);
  resizeThrough(runFolder(manager.parts.layout, c.id), size);
  manager.records.note(c, 'resize', { height: String(size.rows), width: String(size.columns) });
}

/**
 * Connects somebody with a container until it ends or they leave it. Its exit code; undefined when it was left.
 * @throws SlipwayError conflict `container.not-running`, `container.paused`
 */
export async function attachTo(manager: ContainerManager, container: Container, o: AttachOptions): Promise<number | undefined> {
  const c = await manager.started(container);
  if (c.state.status === 'restarting')
    throw new SlipwayError('conflict', 'container.restarting', 'You cannot attach to a restarting container, wait until it is running');
  if (!isAlive(c)) throw new SlipwayError('conflict', 'container.not-running', 'You cannot attach to a stopped container, start it first');
  if (c.state.paused === true)
    throw new SlipwayError('conflict', 'container.paused', 'You cannot attach to a paused container, unpause it first');
  const disconnect = o.signals?.((signal) => {
    manager.kill(c, signal).catch(() => {}); // it has just ended: there is nobody to get it
  });
  manager.records.note(c, 'attach');
  const attachment = Attachment.connect(runFolder(manager.parts.layout, c.id));
  const size = o.terminal?.size();
  if (size !== undefined) attachment.resize(size);
  const connection = new Connection(attachment, o, () => {});
  o.onConnected?.();
  try {
    if ((await connection.over()) === 'ended' || !isAlive(manager.records.get(c.id) ?? c)) return await manager.wait(c);
    manager.records.note(c, 'detach');
    return undefined;
  } finally {
    connection.close();
    disconnect?.();
  }
}
