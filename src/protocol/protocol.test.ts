// gRPC between two ends of one stream, and folders as they travel.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  BytesPipe,
  clientOn,
  Code,
  Control,
  GrpcClient,
  GrpcError,
  GrpcServer,
  type Implementation,
  type PacketPipe,
  receiveTar,
  sendTarFile,
  serverOn,
} from './index.ts';
import { StatSchema } from './gen/stat_pb.ts';
import { type Packet, Packet_PacketType, PacketSchema } from './gen/wire_pb.ts';
import { frame, FrameReader } from './grpc/frames.ts';
import { errorFrom, trailersOf } from './grpc/status.ts';

const signal = new AbortController().signal;

/** A client of a server with these methods, over a stream in memory. */
function connected(implementation: Implementation<typeof Control>): { client: GrpcClient; close: () => void } {
  const [near, far] = duplexPair();
  const server = new GrpcServer({ status: (e) => new GrpcError(Code.unknown, String(e)) }).add(Control, implementation);
  const session = serverOn(far);
  server.serve(session);
  const client = new GrpcClient(clientOn(near));
  return {
    client,
    close: () => {
      client.session.destroy();
      session.destroy();
    },
  };
}

describe('frames', () => {
  test('messages are found again in pieces of any size', () => {
    const messages = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 7)];
    const bytes = Buffer.concat(messages.map(frame));
    for (const size of [1, 2, 5, 6, 4096, bytes.length]) {
      const reader = new FrameReader();
      const found: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...reader.push(bytes.subarray(at, at + size)));
      assert.deepEqual(found, messages);
      assert.equal(reader.truncated, false);
    }
  });

  test('what is too large or compressed is refused at its head', () => {
    const head = Buffer.from([0, 0x7f, 0, 0, 0]);
    assert.throws(() => [...new FrameReader().push(head)], { code: Code.resourceExhausted });
    assert.throws(() => [...new FrameReader().push(Buffer.from([1, 0, 0, 0, 1, 0]))], { code: Code.unimplemented });
  });
});

test('a status keeps its message and details', () => {
  const error = new GrpcError(Code.notFound, 'no „such“\nthing 100%', [{ typeUrl: 'x/y+json', value: Buffer.from('{}') }]);
  const back = errorFrom(trailersOf(error));
  assert.equal(back?.message, error.message);
  assert.deepEqual(
    back?.details.map((d) => [d.typeUrl, Buffer.from(d.value).toString()]),
    [['x/y+json', '{}']],
  );
  assert.equal(errorFrom(trailersOf(undefined)), undefined);
});

describe('calls', () => {
  test('one message each way, an error, and a method that is not there', async () => {
    const { client, close } = connected({
      info: async () => ({ buildkitVersion: { package: 'p', version: 'v' } }),
      diskUsage: async () => {
        throw new GrpcError(Code.failedPrecondition, 'not now');
      },
    });
    try {
      assert.equal((await client.unary(Control.method.info, {}, { signal })).buildkitVersion?.package, 'p');
      await assert.rejects(client.unary(Control.method.diskUsage, {}, { signal }), { code: Code.failedPrecondition, message: 'not now' });
      await assert.rejects(client.unary(Control.method.listWorkers, {}, { signal }), { code: Code.unimplemented });
    } finally {
      close();
    }
  });

  test('a stream of replies ends when the client wants no more, and the server knows', async () => {
    const ended = Promise.withResolvers<void>();
    const { client, close } = connected({
      async *status(_request, call) {
        call.signal.addEventListener('abort', () => ended.resolve());
        for (let i = 0; ; i++) yield { logs: [{ vertex: String(i), msg: Buffer.alloc(100_000) }] };
      },
    });
    try {
      const call = client.open(Control.method.status, { signal });
      await call.send({ Ref: 'x' });
      const seen: string[] = [];
      for await (const { logs } of call.replies) if (seen.push(logs[0]?.vertex ?? '') === 50) break;
      assert.equal(seen[49], '49');
      await ended.promise;
    } finally {
      close();
    }
  });

  test('a call within the messages of another', async () => {
    const { client, close } = connected({
      async *session(incoming) {
        const pipe = new BytesPipe(incoming);
        const inner = new GrpcClient(clientOn(pipe));
        void inner
          .unary(Control.method.info, {}, { signal })
          .then(({ buildkitVersion }) => pipe.end(`got ${buildkitVersion?.version}`))
          .catch((e: Error) => pipe.destroy(e));
        yield* pipe.outgoing();
      },
    });
    try {
      const call = client.open(Control.method.session, { signal });
      const pipe = new BytesPipe(call.replies);
      void (async () => {
        for await (const message of pipe.outgoing()) await call.send(message);
        call.end();
      })().catch(() => {});
      const answered = Promise.withResolvers<void>();
      new GrpcServer({ status: () => new GrpcError(Code.unknown, '') })
        .add(Control, {
          info: async () => {
            answered.resolve();
            return { buildkitVersion: { version: 'inner' } };
          },
        })
        .serve(serverOn(pipe));
      await answered.promise;
    } finally {
      close();
    }
  });

  test('a deadline ends a call at the server', async () => {
    const { client, close } = connected({
      info: (_request, call) =>
        new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason as Error))),
    });
    try {
      await assert.rejects(client.unary(Control.method.info, {}, { signal, metadata: { 'grpc-timeout': '1m' } }), {
        code: Code.deadlineExceeded,
      });
    } finally {
      close();
    }
  });
});

/** Two ends of a DiffCopy: what one sends, the other has as a reply. */
function packetPair(): [PacketPipe, PacketPipe] {
  const queue = () => {
    const items: Packet[] = [];
    let wake = (): void => {};
    let ended = false;
    return {
      push: (p: Packet | undefined) => {
        if (p) items.push(p);
        else ended = true;
        wake();
      },
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const next = items.shift();
          if (next) yield next;
          else if (ended) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  };
  const [a, b] = [queue(), queue()];
  const pipe = (to: typeof a, from: typeof a): PacketPipe => ({
    send: async (p) => to.push(create(PacketSchema, p)),
    end: () => to.push(undefined),
    replies: from,
  });
  return [pipe(a, b), pipe(b, a)];
}

describe('folders', () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'slipway-files-'))));
  after(() => rmSync(folder, { recursive: true }));

  test('a tree arrives as it was sent: modes, links, hard links, large and empty files', async () => {
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'd/e'), { recursive: true });
    writeFileSync(join(tree, 'd/large'), Buffer.alloc(300_001, 'x'));
    writeFileSync(join(tree, 'd.txt'), 'beside');
    for (let i = 0; i < 200; i++) writeFileSync(join(tree, `d/e/${i}`), `${i}`.repeat(i));
    symlinkSync('../../etc', join(tree, 'link'));
    spawnSync('sh', ['-c', 'ln d/large d/hard; chmod 4751 d.txt; chmod 1777 d/e'], { cwd: tree });
    const list = (tar: string): string => spawnSync('tar', ['--numeric-owner', '-tvf', tar], { encoding: 'utf8' }).stdout;
    spawnSync('tar', ['--sort=name', '-cf', join(folder, 'in.tar'), 'd', 'd.txt', 'link'], { cwd: tree });
    const [near, far] = packetPair();
    const fd = openSync(join(folder, 'in.tar'), 'r');
    const sending = sendTarFile(far, fd);
    const pieces: Buffer[] = [];
    for await (const piece of receiveTar(near)) pieces.push(Buffer.from(piece));
    await sending;
    closeSync(fd);
    writeFileSync(join(folder, 'out.tar'), Buffer.concat(pieces));
    const lines = (tar: string): string[] => list(tar).split('\n').sort();
    assert.deepEqual(lines(join(folder, 'out.tar')), lines(join(folder, 'in.tar')));
    const hash = (tar: string): string => spawnSync('sh', ['-c', `tar -xOf ${tar} d/large d/e | md5sum`], { encoding: 'utf8' }).stdout;
    assert.equal(hash(join(folder, 'out.tar')), hash(join(folder, 'in.tar')));
  });

  for (const [what, packets, code] of [
    ['a path that leads out', [{ stat: { path: '../x', mode: 0o644 } }, {}], Code.invalidArgument],
    ['an absolute path', [{ stat: { path: '/x', mode: 0o644 } }, {}], Code.invalidArgument],
    [
      'content that nobody asked for',
      [{ stat: { path: 'x', size: 4n } }, {}, { type: Packet_PacketType.PACKET_DATA, ID: 7, data: Buffer.from('x') }],
      Code.invalidArgument,
    ],
    [
      'more than was announced',
      [{ stat: { path: 'x', size: 1n } }, {}, { type: Packet_PacketType.PACKET_DATA, ID: 0, data: Buffer.from('xx') }],
      Code.aborted,
    ],
    [
      'less than was announced',
      [
        { stat: { path: 'x', size: 2n } },
        {},
        { type: Packet_PacketType.PACKET_DATA, ID: 0, data: Buffer.from('x') },
        { type: Packet_PacketType.PACKET_DATA, ID: 0 },
      ],
      Code.aborted,
    ],
    ['a negative size', [{ stat: { path: 'x', size: -1n } }, {}], Code.invalidArgument],
    ['an error of the other side', [{ type: Packet_PacketType.PACKET_ERR, data: Buffer.from('no') }], Code.unknown],
    ['an end in the middle', [{ stat: { path: 'x' } }], Code.unavailable],
  ] as const)
    test(`${what} is refused`, async () => {
      const [near, far] = packetPair();
      for (const packet of packets)
        await far.send({ ...packet, ...('stat' in packet && { stat: create(StatSchema, packet.stat) }) } as Parameters<
          PacketPipe['send']
        >[0]);
      far.end();
      await assert.rejects(
        (async () => {
          for await (const _ of receiveTar(near));
        })(),
        { code },
      );
    });
});
