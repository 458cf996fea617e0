// Addresses of builders, and the order in which something tries them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlipwayError } from '../../model/index.ts';
import { expanded, inOrder, parseAddress } from './address.ts';

const tls = { ca: '/ca.pem' };

test('addresses', () => {
  assert.deepEqual(parseAddress({ address: 'unix:///run/x.sock' }), { kind: 'unix', path: '/run/x.sock' });
  assert.deepEqual(parseAddress({ address: 'tcp://127.0.0.1:9' }), { kind: 'tcp', host: '127.0.0.1', port: 9 });
  assert.deepEqual(parseAddress({ address: 'tcp://[::1]' }), { kind: 'tcp', host: '::1', port: 1234 });
  assert.deepEqual(parseAddress({ address: 'tcp://far.example:1', tls }), { kind: 'tcp', host: 'far.example', port: 1 });
  assert.deepEqual(parseAddress({ address: 'dns://b.ns', tls }), { kind: 'dns', host: 'b.ns', port: 1234 });
  assert.deepEqual(parseAddress({ address: 'ssh://me@far:22/run/b.sock' }), {
    kind: 'ssh',
    host: 'far',
    user: 'me',
    port: 22,
    path: '/run/b.sock',
  });
  assert.deepEqual(parseAddress({ address: 'ssh://far' }), { kind: 'ssh', host: 'far' });
});

for (const [address, code] of [
  ['tcp://far.example:1', 'fleet.no-tls'],
  ['dns://far.example', 'fleet.no-tls'],
  ['tcp://127.0.0.1.example', 'fleet.no-tls'],
  ['tcp://127.0.0.1:99999', 'fleet.address'],
  ['ssh://-oProxyCommand=x', 'fleet.address'],
  ['ssh://-l@x', 'fleet.address'],
  ['ssh://host -x', 'fleet.address'],
  ['unix://relative', 'fleet.address'],
  ['http://x', 'fleet.address'],
] as const)
  test(`${address} is refused`, () => {
    assert.throws(
      () => parseAddress({ address }),
      (e: SlipwayError) => e.code === code,
    );
  });

test('a name stands for all its addresses, whose certificates are for the name', async () => {
  const [first] = await expanded([{ address: 'dns://localhost:7', tls }, { address: 'unix:///x' }]);
  assert.match(first?.address ?? '', /^tcp:\/\/(127\.0\.0\.1|\[::1\]):7$/);
  assert.equal(first?.tls?.serverName, 'localhost');
  await assert.rejects(expanded([{ address: 'dns://nowhere.invalid', tls }]), { code: 'fleet.unreachable' });
});

test('without one builder only what was its own goes elsewhere', () => {
  const all = ['a', 'b', 'c'].map((name) => ({ address: `unix:///${name}` }));
  const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`);
  const first = (of: typeof all, key: string): string | undefined => inOrder(of, key)[0]?.address;
  const less = all.slice(0, 2);
  for (const key of keys) if (first(all, key) !== 'unix:///c') assert.equal(first(less, key), first(all, key));
  for (const { address } of all) assert.ok(keys.filter((key) => first(all, key) === address).length > 8);
});
