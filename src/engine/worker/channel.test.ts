import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { Channel } from './channel.ts';

type Text = { readonly text: string };

interface Pair {
  readonly one: Channel<Text, Text>;
  readonly other: Channel<Text, Text>;
  /** What the other end was told. */
  readonly told: string[];
  /** Bytes that went from one to the other. */
  sent(): number;
}

/** Two ends, each frame of which arrives in pieces of `piece` bytes. */
function pair({ piece = 1 << 20, answer = async (..._: unknown[]): Promise<unknown> => undefined } = {}): Pair {
  const told: string[] = [];
  let sent = 0;
  const [there, back] = [new PassThrough(), new PassThrough()];
  const cut = (to: PassThrough) => (frame: Buffer) => {
    if (to === there) sent += frame.length;
    for (let at = 0; at < frame.length; at += piece) to.write(frame.subarray(at, at + piece));
  };
  const none = async (): Promise<never> => assert.fail('nothing is asked here');
  const one = new Channel<Text, Text>({ write: cut(there), onMessage: () => {}, onAsk: none });
  const other = new Channel<Text, Text>({ write: cut(back), onMessage: (m) => void told.push(m.text), onAsk: answer });
  void one.read(back);
  void other.read(there);
  return { one, other, told, sent: () => sent };
}

test('messages, questions and answers, in pieces of any size', async () => {
  for (const piece of [1, 3, 4, 5, 1000]) {
    const { one, told } = pair({ piece, answer: async (method, args) => [method, args] });
    one.send({ text: 'a' });
    one.send({ text: 'b'.repeat(5000) });
    assert.deepEqual(await one.ask('what', 1, new Uint8Array([1, 2])), ['what', [1, new Uint8Array([1, 2])]]);
    assert.deepEqual(told, ['a', 'b'.repeat(5000)]);
  }
});

test('errors arrive with all that a user is told', async () => {
  const range = { start: { line: 1, column: 1 }, end: { line: 1, column: 2 } };
  const source = { file: 'Dockerfile', text: 'x', range };
  const own = new SlipwayError('not-found', 'image.not-found', 'No such image', { hints: ['pull it'], source, exitCode: 125 });
  const of = (e: unknown): Promise<unknown> => pair({ answer: () => Promise.reject(e as Error) }).one.ask('x');
  await assert.rejects(of(own), (e) => {
    assert.ok(isSlipwayError(e));
    const { kind, code, message, hints, exitCode } = e;
    assert.deepEqual(
      { kind, code, message, hints, exitCode, source: e.source },
      {
        kind: 'not-found',
        code: 'image.not-found',
        message: 'No such image',
        hints: ['pull it'],
        exitCode: 125,
        source,
      },
    );
    return true;
  });
  await assert.rejects(of(Object.assign(new Error('gone'), { code: 'ENOENT' })), { message: 'gone', code: 'ENOENT' });
});

test('a stream is sent no faster than it is read', async () => {
  const { one, other, sent } = pair();
  const data = Buffer.alloc(5 << 20, 'slipway');
  const input = other.readable(7, { confirm: true });
  const pumped = one.pump(7, Readable.from([data.subarray(0, 3_000_000), data.subarray(3_000_000)]));
  // nobody reads: what is on its way stays below the window and what streams hold
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
  assert.ok(sent() > 0 && sent() < 2 << 20, `${sent()} bytes were sent`);
  assert.ok((await buffer(input)).equals(data));
  await pumped;
});

test('a stream has finished when the other end has taken it', async () => {
  const { one, other } = pair();
  const out = one.writable(1);
  const input = other.readable(1, { confirm: false });
  const chunks: Buffer[] = [];
  let finished = false;
  out.on('finish', () => (finished = true));
  out.end('bytes');
  await pipeline(input, new Writable({ write: (chunk: Buffer, _, done) => (chunks.push(chunk), done()) }));
  await new Promise(setImmediate);
  assert.equal(finished, false);
  other.taken(1);
  await once(out, 'finish');
  assert.equal(Buffer.concat(chunks).toString(), 'bytes');
});

test('whoever breaks off says so to the other end', async () => {
  {
    const { one, other } = pair();
    const input = other.readable(1, { confirm: true });
    const from = new Readable({ read() {} });
    from.push('some');
    const pumped = one.pump(1, from);
    await once(input, 'readable');
    from.destroy(new SlipwayError('data-loss', 'x.broken', 'broken here'));
    await assert.rejects(pumped, { code: 'x.broken' });
    await assert.rejects(buffer(input), { code: 'x.broken' });
  }
  {
    const { one, other } = pair();
    const input = other.readable(1, { confirm: true });
    const from = new Readable({ read: () => void from.push(Buffer.alloc(1000)) });
    const pumped = one.pump(1, from);
    await once(input, 'readable');
    input.destroy(new SlipwayError('unavailable', 'x.full', 'no room'));
    input.on('error', () => undefined);
    await assert.rejects(pumped, { code: 'x.full' });
    assert.ok(from.destroyed);
  }
});

test('a stream that ends or fails before anybody reads it says so to the reader', async () => {
  const { one, other } = pair();
  void one.pump(7, Readable.from([], { objectMode: false })).catch(() => {});
  const broken = new Readable({ read: () => broken.destroy(new SlipwayError('not-found', 'x.y', 'nothing there')) });
  void one.pump(8, broken).catch(() => {});
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal((await buffer(other.readable(7, { confirm: true }))).length, 0);
  await assert.rejects(buffer(other.readable(8, { confirm: true })), { code: 'x.y' });
});

test('an end that is gone fails what is under way', async () => {
  const { one, other } = pair({ answer: () => new Promise(() => undefined) });
  const asked = one.ask('x');
  const input = one.readable(1, { confirm: true });
  const out = one.writable(2);
  const failed = once(out, 'error');
  void other;
  one.end(new SlipwayError('unavailable', 'x.gone', 'gone'));
  await assert.rejects(asked, { code: 'x.gone' });
  await assert.rejects(buffer(input), { code: 'x.gone' });
  assert.equal(((await failed)[0] as SlipwayError).code, 'x.gone');
  await assert.rejects(one.ask('y'), { code: 'x.gone' });
});

test('what is no message of ours is refused before anything is kept of it', async () => {
  const channel = new Channel<Text, Text>({ write: () => {}, onMessage: () => {}, onAsk: async () => undefined });
  async function* of(...chunks: Buffer[]): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  await assert.rejects(channel.read(of(Buffer.from('HTTP/1.1 200 OK\r\n'))), { code: 'worker.frame' });
  const body = serialize({ type: 'message', message: { text: 'cut off' } });
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  await channel.read(of(Buffer.concat([head, body.subarray(0, 5)])));
});
