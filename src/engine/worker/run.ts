// The caller's end: starts a worker, gives it one operation, and answers from its own session what the worker asks.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type AgentConnection, SlipwayError } from '../../model/index.ts';
import type { Caller } from '../job.ts';
import type { CallerOf, Operation, OperationKind, Reply } from '../operations.ts';
import { isStoreOperation, type StoreCaller } from '../store-operations.ts';
import { Channel } from './channel.ts';
import { errorFrom } from './error-data.ts';
import type { FromWorker, Questions, ToWorker } from './messages.ts';

/** The descriptor by which a worker writes an archive: while files are mounted it cannot wait for messages. */
const OUTPUT = 3;

export interface WorkerOptions {
  /** How to run slipway itself. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the worker says beside its work: warnings about the store. */
  onText(text: Buffer): void;
  /** Where a worker may be waiting already. */
  readonly spare?: SpareWorker;
}

type Child = ChildProcessWithoutNullStreams;

function spawnWorker({ command: [program = '', ...words], environment }: Pick<WorkerOptions, 'command' | 'environment'>): Child {
  const child = spawn(program, [...words, 'worker'], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env: { ...environment } }) as Child;
  // whoever ended says so by its exit
  child.stdin.on('error', () => undefined);
  return child;
}

/** A worker that waits for its operation: the time that a process takes to begin is spent before anybody asks. */
export class SpareWorker {
  readonly #o: Pick<WorkerOptions, 'command' | 'environment'>;
  #waiting: Child | undefined;
  #closed = false;

  constructor(o: Pick<WorkerOptions, 'command' | 'environment'>) {
    this.#o = o;
  }

  /** Starts one when none is waiting. */
  prepare(): void {
    if (this.#closed || isWaiting(this.#waiting)) return;
    const child = spawnWorker(this.#o);
    child.on('error', () => undefined); // the next one that is asked for says why
    this.#waiting = child;
  }

  take(): Child | undefined {
    const child = this.#waiting;
    this.#waiting = undefined;
    return isWaiting(child) ? child : undefined;
  }

  close(): void {
    this.#closed = true;
    this.take()?.stdin.end();
  }
}

const isWaiting = (child: Child | undefined): boolean =>
  child !== undefined && child.exitCode === null && child.signalCode === null && child.pid !== undefined;

/**
 * Works on an operation in a process of its own, which ends with it.
 * @throws what the operation throws; unavailable `worker.ended` when the process is killed
 */
export async function performInWorker<K extends OperationKind>(
  o: WorkerOptions,
  operation: Operation<K>,
  asking: CallerOf<K>,
): Promise<Reply<K>> {
  const caller = asking as Caller & Pick<StoreCaller, 'beforeStart'>;
  if (caller.debug)
    throw new SlipwayError('unsupported', 'worker.debug', 'a shell in a failed step needs the terminal, which a worker does not have', {
      hints: ['leave SLIPWAY_WORKER out'],
    });
  const { signal } = caller;
  signal.throwIfAborted();
  const child = o.spare?.take() ?? spawnWorker(o);
  const outcome = Promise.withResolvers<Reply<K>>();
  const channel: Channel<ToWorker, FromWorker> = new Channel<ToWorker, FromWorker>({
    write: (frame) => void child.stdin.write(frame),
    onMessage: (m) => {
      if (m.type === 'event') caller.onEvent(m.event as never);
      else if (m.type === 'done') outcome.resolve(m.reply as Reply<K>);
      else outcome.reject(errorFrom(m.error));
    },
    onAsk: (method, args) => answer(method, args),
  });
  let written: { readonly done: Promise<void>; readonly to: Writable } | undefined;
  const takeOutput = (to: Writable): void => {
    written = { done: pipeline(child.stdio[OUTPUT] as Readable, to, { end: false }), to };
    written.done.catch(() => channel.send({ type: 'cancel' })); // thrown below
  };
  const answer = answering(caller, channel, isStoreOperation(operation) ? takeOutput : undefined);
  child.stderr.on('data', (text: Buffer) => o.onText(text));
  const reading = channel.read(child.stdout).catch((e: unknown) => {
    outcome.reject(e);
    child.kill();
  });
  const ended = new Promise<SlipwayError>((resolve) => {
    child.on('error', (cause) =>
      resolve(new SlipwayError('unavailable', 'worker.start', `a worker cannot be started: ${cause.message}`, { cause })),
    );
    child.on('close', (code, killed) =>
      resolve(
        new SlipwayError('unavailable', 'worker.ended', `the worker ended before its work was done: ${killed ?? `exit code ${code}`}`),
      ),
    );
  });
  const cancel = (): void => channel.send({ type: 'cancel' });
  signal.addEventListener('abort', cancel);
  channel.send({ type: 'perform', operation: operation as Operation });
  try {
    const reply = await Promise.race([
      outcome.promise,
      // what it said before it ended counts
      ended.then(async (e) => {
        await reading;
        await new Promise(setImmediate);
        throw e;
      }),
    ]);
    await written?.done;
    // an archive that was cut short must not look like a whole one: its end comes when the operation has succeeded
    written?.to.end();
    return reply;
  } finally {
    signal.removeEventListener('abort', cancel);
    child.stdin.end();
    o.spare?.prepare();
    // what its process still has to put away holds nobody up who does not stay to see it
    const over = ended.then((e) => channel.end(e));
    if (!isStoreOperation(operation)) await over;
  }
}

/** Answers questions from a session. */
function answering(
  caller: Caller & Pick<StoreCaller, 'beforeStart'>,
  channel: Channel<ToWorker, FromWorker>,
  takeOutput: ((to: Writable) => void) | undefined,
): (method: string, args: readonly unknown[]) => Promise<unknown> {
  const { session, signal } = caller;
  const connections = new Map<number, AgentConnection>();
  const connection = (n: number): AgentConnection => {
    const found = connections.get(n);
    if (found === undefined) throw new SlipwayError('internal', 'worker.agent', 'no such connection to an agent');
    return found;
  };
  const questions: Questions = {
    secret: (id) => session.secret(id, signal),
    ssh: async (id) => (await session.ssh(id)) !== undefined,
    connect: async (id) => {
      const agent = await session.ssh(id);
      if (agent === undefined) throw new SlipwayError('internal', 'worker.agent', `no agent ${id}`);
      const number = channel.reserve();
      connections.set(number, await agent.connect());
      return number;
    },
    agent: (n, message) => connection(n).ask(message),
    hangUp: async (n) => {
      connection(n).close();
      connections.delete(n);
    },
    local: async (name, wish) => {
      const files = await session.local(name, wish, signal);
      if (files.kind === 'folder') return { path: files.path };
      const stream = channel.reserve();
      // how it ends is told to the one who reads
      void channel.pump(stream, files.stream).catch(() => undefined);
      return { stream };
    },
    credentials: (host) => session.credentials(host),
    output: async (name) => {
      const place = await session.output(name);
      if (place.kind === 'path') return place;
      if (place.kind === 'stream' && takeOutput !== undefined) {
        takeOutput(place.stream);
        return { kind: 'descriptor', fd: OUTPUT };
      }
      const stream = channel.reserve();
      const to = place.kind === 'stream' ? place.stream : createWriteStream('', { fd: place.fd, autoClose: false });
      take(channel, stream, channel.readable(stream, { confirm: false }), to);
      return { stream };
    },
    beforeStart: async () => await caller.beforeStart?.(),
  };
  return async (method, args) => {
    if (!Object.hasOwn(questions, method)) throw new SlipwayError('internal', 'worker.asked', `nobody is asked ${method}`);
    return await (questions as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[method]!(...args);
  };
}

function take(channel: Channel<ToWorker, FromWorker>, stream: number, from: Readable, to: Writable): void {
  void pipeline(from, to).then(
    () => channel.taken(stream),
    // the reader was destroyed with the reason, which has told the worker
    () => undefined,
  );
}
