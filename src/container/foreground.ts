// `run` without -d: the container belongs to its monitor, and we are connected with it: its output comes to us, our input goes to it.
// We wait for its end and clear up; should we be killed, the monitor does.
import { setTimeout as sleep } from 'node:timers/promises';
import { Attachment, type TerminalEnds } from '../runtime/index.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { alreadyRunning, leaveToMonitor, startDetached } from './detached.ts';
import type { LaunchOptions } from './launch.ts';
import type { Managed } from './managed.ts';
import { isAlive, isMonitorAlive } from './transitions.ts';
import type { Container } from './types.ts';

/** Connects somebody's signals with `send`; returns how to disconnect them. */
export type SignalSource = (send: (signal: NodeJS.Signals) => void) => () => void;

export interface ForegroundOptions extends ConnectionOptions, LaunchOptions {
  readonly onStarted?: (c: Container) => void;
  /** Signals to be passed on to the container. */
  readonly signals?: SignalSource;
}

/** Returns its exit code; undefined when the user left it running. */
export async function runForeground(manager: Managed, c: Container, o: ForegroundOptions): Promise<number | undefined> {
  const disconnect = o.signals?.((signal) => {
    manager.kill(c, signal).catch(() => {}); // it has just ended: there is nobody to get it
  });
  let connection: Connection | undefined;
  try {
    const started = await startDetached(manager, c, {
      ...o,
      ...consoleSizeOf(o.terminal),
      watching: true,
      beforeStart: (running, { bundle }) => {
        connection = new Connection(Attachment.connect(bundle), o, () => leaveToMonitor(manager, c.id));
        o.onStarted?.(running);
      },
    });
    if (!started || connection === undefined) throw alreadyRunning(c);
    const how = await connection.over();
    // one that ended at the same moment has nobody else to clear up
    if (how === 'left' && isAlive(manager.records.get(c.id) ?? c)) {
      manager.records.note(c, 'detach');
      return undefined;
    }
    const exitCode = await exitCodeOf(manager, c);
    await manager.endings.end(c.id, exitCode);
    return exitCode;
  } finally {
    connection?.close();
    disconnect?.();
  }
}

function consoleSizeOf(terminal: TerminalEnds | undefined): Pick<LaunchOptions, 'consoleSize'> {
  const size = terminal?.size();
  return size === undefined ? {} : { consoleSize: { height: size.rows, width: size.columns } };
}

/** The monitor writes it right after it has closed the connection. */
async function exitCodeOf({ endings, records }: Managed, c: Container): Promise<number> {
  for (let watched = true; watched; await sleep(1)) {
    watched = isMonitorAlive(records.get(c.id) ?? c);
    const code = endings.exitCode(c.id);
    if (code !== undefined) return code;
  }
  return endings.unknownExit;
}
