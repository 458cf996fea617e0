import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHost, buildArgs, fields, labels, output, secret } from './values.ts';

test('build arguments come from the flag, else from the environment', () => {
  assert.deepEqual(buildArgs(['A=1', 'B', 'C', 'D=x=y', 'E='], { B: '2' }), { A: '1', B: '2', D: 'x=y', E: '' });
  assert.throws(() => buildArgs(['=x'], {}), { code: 'flag.build-arg' });
});

test('labels', () => {
  assert.deepEqual(labels(['a=1', 'b', 'c=x=y']), { a: '1', b: '', c: 'x=y' });
});

test('fields may be quoted', () => {
  assert.deepEqual(fields('a,"b,c",d'), ['a', 'b,c', 'd']);
  assert.deepEqual(fields('"say ""hi""",x'), ['say "hi"', 'x']);
});

test('secrets', () => {
  assert.deepEqual(secret('id=a,src=f', {}), { id: 'a', inKey: false, kind: 'file', path: 'f' });
  assert.deepEqual(secret('id=a', {}), { id: 'a', inKey: false, kind: 'file', path: 'a' });
  assert.equal(secret('id=a,cache=content', {}).inKey, true);
  assert.throws(() => secret('id=a,cache=name', {}), { code: 'flag.secret' });
  assert.deepEqual(secret('id=A', { A: 'x' }), { id: 'A', inKey: false, kind: 'value', data: Buffer.from('x') });
  assert.deepEqual(secret('id=a,env=B', { B: 'y' }), { id: 'a', inKey: false, kind: 'value', data: Buffer.from('y') });
  assert.throws(() => secret('src=f', {}), { code: 'flag.secret' });
  assert.throws(() => secret('id=a,colour=red', {}), { code: 'flag.secret' });
});

test('outputs', () => {
  assert.deepEqual(output('out'), { type: 'local', attributes: { dest: 'out' } });
  assert.deepEqual(output('-'), { type: 'tar', attributes: { dest: '-' } });
  assert.deepEqual(output('type=oci,dest=x.tar'), { type: 'oci', attributes: { dest: 'x.tar' } });
  assert.throws(() => output('dest=x'), { code: 'flag.output' });
});

test('hosts', () => {
  assert.equal(addHost('a:1.2.3.4'), 'a:1.2.3.4');
  assert.equal(addHost('a=[::1]'), 'a:::1');
  assert.throws(() => addHost('a'), { code: 'flag.add-host' });
});
