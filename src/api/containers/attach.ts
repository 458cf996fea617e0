// `attach`: the connection becomes the streams of a container, before its start or while it runs; and `logs`, what it wrote.
import { attachTo, type Container, type ContainerManager, events, isAlive, resizeTerminal } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type Api, openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { frame } from '../http/frames.ts';
import type { Hijacked } from '../http/hijacked.ts';
import { RAW_STREAM } from '../http/reply.ts';
import { ClientTerminal, detachKeysOf, drained, Gathered, sizeOf, streamsOf, streamType, type Wanted, writerOf } from './streams.ts';

export const attach = (call: Call): Promise<void> => attachBy(call, false);

/** By messages of a WebSocket: both streams as they are, since browsers know no frames. */
export function attachWebSocket(call: Call): Promise<void> {
  if (call.request.headers.upgrade?.toLowerCase() !== 'websocket')
    return Promise.reject(new SlipwayError('invalid-argument', 'api.websocket', 'this is no request for a WebSocket'));
  return attachBy(call, true);
}

async function attachBy(call: Call, plain: boolean): Promise<void> {
  const { api, query, reply } = call;
  // a server that stops leaves the container running, as a client that goes away does
  const signal = call.following;
  const containers = await openContainers(api);
  const c = containers.records.resolve(call.param('id'));
  const keys = detachKeysOf(query.text('detachKeys'));
  const stream = query.flag('stream');
  const wanted = {
    stdin: stream && query.flag('stdin') && c.request.openStdin,
    stdout: query.flag('stdout'),
    stderr: query.flag('stderr'),
  };
  if (c.state.paused === true)
    throw new SlipwayError('conflict', 'container.paused', 'container ' + c.id + ' is paused, unpause the container before attach');
  if (c.state.status === 'restarting')
    throw new SlipwayError('conflict', 'container.restarting', `container ${c.id} is restarting, wait until the container is running`);
  const ends = reply.hijack(streamType(call, c.request.tty));
  if (query.flag('logs')) await writeLogs(containers, c, ends, wanted, plain);
  if (!stream) return;
  const leave = new AbortController();
  const left = (): void => leave.abort();
  signal.addEventListener('abort', left);
  try {
    if (isAlive(c)) await connect(containers, c, ends, { ...wanted, plain }, keys, leave.signal);
    else
      await beforeStart(api, signal, containers, c, (onConnected) =>
        connect(containers, c, ends, { ...wanted, plain }, keys, leave.signal, onConnected),
      );
  } finally {
    signal.removeEventListener('abort', left);
    ends.output.end();
  }
}

async function connect(
  containers: ContainerManager,
  c: Container,
  ends: Hijacked,
  wanted: Wanted & { readonly plain: boolean },
  keys: readonly number[] | undefined,
  leave: AbortSignal,
  onConnected?: () => void,
): Promise<void> {
  const streams = streamsOf(ends, wanted, wanted.plain);
  const terminal = c.request.tty ? new ClientTerminal(ends, wanted, keys) : undefined;
  await attachTo(containers, c, { ...streams, ...(terminal && { terminal }), leave, ...(onConnected && { onConnected }) });
}

/** Waits for the start: of one by this server it is told before the program begins, of one by another command afterwards. The client may go before. */
async function beforeStart(
  api: Api,
  signal: AbortSignal,
  containers: ContainerManager,
  c: Container,
  run: (onConnected: () => void) => Promise<void>,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  let beginning: Promise<void> | undefined;
  const begin = (): Promise<void> =>
    (beginning ??= (async () => {
      const connected = Promise.withResolvers<void>();
      const running = run(connected.resolve);
      running.then(over.resolve, over.reject);
      // a client that cannot be connected keeps the container from nothing
      await Promise.race([connected.promise, running.catch(() => {})]);
    })());
  const giveUp = api.waiting.add(c.id, { connect: begin, fail: over.resolve });
  const stop = new AbortController();
  const filters = new Map([
    ['container', [c.id]],
    ['event', ['start', 'destroy']],
  ]);
  const noticing = (async () => {
    for await (const { actor, action } of events(api.engine, { filters, signal: stop.signal })) {
      if (actor !== c.id) continue;
      if (action === 'start') void begin();
      else over.resolve();
    }
  })();
  const gone = (): void => over.resolve();
  signal.addEventListener('abort', gone);
  try {
    // it may have been started, or removed, while we came here
    const now = containers.records.get(c.id);
    if (now === undefined || signal.aborted) return;
    if (isAlive(now)) void begin();
    await over.promise;
  } finally {
    giveUp();
    signal.removeEventListener('abort', gone);
    stop.abort();
    await noticing;
  }
}

async function writeLogs(containers: ContainerManager, c: Container, { output }: Hijacked, wanted: Wanted, plain: boolean): Promise<void> {
  const write = writerOf(output, plain || c.request.tty);
  for await (const line of containers.logs(c)) {
    if (wanted[line.stream]) write(line.stream, line.data);
    await drained(output);
  }
}

export async function logs(call: Call): Promise<void> {
  const { api, query, reply } = call;
  const wanted = { stdin: false, stdout: query.flag('stdout'), stderr: query.flag('stderr') };
  if (!wanted.stdout && !wanted.stderr)
    throw new SlipwayError('invalid-argument', 'api.query', 'Bad parameters: you must choose at least one stream');
  const containers = await openContainers(api);
  const c = containers.records.resolve(call.param('id'));
  const [since, until] = [query.moment('since'), query.moment('until')];
  const tail = query.text('tail');
  const count = tail === undefined || tail === 'all' || !/^\d+$/.test(tail) ? undefined : Number(tail);
  const signal = call.following;
  const output = reply.stream(c.request.tty ? RAW_STREAM : streamType(call, false));
  const gathered = new Gathered(output);
  try {
    const lines = containers.logs(c, {
      follow: query.flag('follow'),
      signal,
      ...(count !== undefined && { tail: count }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    });
    const details = query.flag('details') ? detailsOf(c) : '';
    for await (const line of lines) {
      if (!wanted[line.stream]) continue;
      const head = `${query.flag('timestamps') ? `${line.time} ` : ''}${details}`;
      const data = head === '' ? line.data : Buffer.concat([Buffer.from(head), line.data]);
      gathered.write(c.request.tty ? data : frame(line.stream, data));
      if (output.writableNeedDrain) await drained(output);
    }
  } catch (e) {
    if (!signal.aborted) throw e;
  }
  gathered.flush();
  output.end();
}

/** What the log driver was asked to show of a container; nothing, since it has no such options. */
const detailsOf = (_: Container): string => ' ';

export async function resize(call: Call): Promise<void> {
  const size = sizeOf(call);
  const containers = await openContainers(call.api);
  await resizeTerminal(containers, containers.records.resolve(call.param('id')), size);
  call.reply.empty(200);
}
