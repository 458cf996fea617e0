import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, Graph, topological } from './node.ts';

const meta = { name: 'x', noCache: false };
const step = { kind: 'file', actions: [] } as const;
const source = (identifier: string) => ({ kind: 'source', identifier }) as const;

test('the canonical form knows no order of keys and no undefined ones', () => {
  assert.equal(canonical({ b: 1, a: [true, undefined], c: undefined }), canonical({ a: [true, null], b: 1 }));
});

test('equal nodes are one, and names do not count', () => {
  const graph = new Graph();
  const a = graph.node(source('local://context'), [], meta);
  assert.equal(graph.node(source('local://context'), [], { ...meta, name: 'y' }), a);
  assert.notEqual(graph.node(step, [a], meta), graph.node(step, [a, a], meta));
});

test('inputs come before what reads them, in chains of any length', () => {
  const graph = new Graph();
  let last = graph.node(source('a'), [], meta);
  for (let i = 0; i < 20_000; i++) last = graph.node(step, [last], meta);
  const order = topological([last]);
  assert.equal(order.length, 20_001);
  assert.equal(order.at(-1), last);
  assert.equal(order[0]?.op.kind, 'source');
});
