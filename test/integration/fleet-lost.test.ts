// Builders elsewhere that die in the middle, or do not answer: the build goes to another one, and says so.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { openBuilder } from '../../src/engine/fleet/dial.ts';
import { type Fleet, fleet, wayTo } from '../support/fleet.ts';

let f: Fleet;
before(async () => void (f = await fleet(2)));
after(() => f.close());

const { signal } = new AbortController();

test('a builder that dies while a step runs is passed over', async () => {
  // what the step prints is not in its name; the first to print it is cut off, and the step of the other one ends
  f.write({
    go: 'wait',
    'app/Dockerfile': `FROM base\nRUN --mount=type=secret,id=go echo has be''gun; [ "$(cat /run/secrets/go)" = on ] || sleep 100000\n`,
  });
  let lost: string | undefined;
  using undo = new DisposableStack();
  const ways = await Promise.all(
    f.servers.map(async (server) => {
      const way = await wayTo(server.path, (data) => {
        if (lost !== undefined || !data.includes('has begun')) return false;
        lost = way.address;
        f.write({ go: 'on' });
        return true;
      });
      undo.defer(way.cut);
      return way;
    }),
  );
  const flags = ['--progress', 'plain', '--no-cache', '--secret', 'id=go,src=go', '--builder', ways.map((w) => w.address).join(',')];
  const { stderr, status } = await f.here.run(['build', ...flags, 'app']);
  assert.equal(status, 0, stderr);
  const other = ways.find((w) => w.address !== lost)?.address;
  assert.ok(stderr.includes(`the builder ${lost} was lost`), stderr);
  assert.match(stderr, /trying the next one/);
  assert.ok(stderr.includes(`solve on builder ${other}`), stderr);
});

test('one that accepts and says nothing is given up', async () => {
  const open = new Set<Socket>();
  const server = createServer((socket) => void open.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  using undo = new DisposableStack();
  undo.defer(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await assert.rejects(openBuilder({ address }, { signal, patience: 50 }), {
    code: 'fleet.unreachable',
    message: /no answer in 0\.05 seconds/,
  });
});

test('one that hangs up at once, and one that speaks something else', async () => {
  for (const answer of ['', 'HTTP/1.1 400 Bad Request\r\n\r\n']) {
    const server = createServer((socket) => void socket.on('error', () => {}).end(answer));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assert.rejects(openBuilder({ address }, { signal }), { code: 'fleet.unreachable' });
    server.close();
  }
});
