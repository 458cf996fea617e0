// Which parts a graph falls into, and what each of them still reads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileAction, Graph, type Node, topological } from '../../graph/index.ts';
import { graphOfPart, groupsOf, partsOf } from './parts.ts';

const graph = new Graph();
const meta = (name: string, stage?: string) => ({ name, noCache: false, ...(stage !== undefined && { stage }) });
const base = graph.node({ kind: 'source', identifier: 'docker-image://base' }, [], meta('base'));
const run = (stage: string, below: Node, command: string): Node =>
  graph.node(
    {
      kind: 'exec',
      args: [command],
      env: [],
      cwd: '/',
      user: '',
      mounts: [],
      network: 'default',
      security: 'sandbox',
      addHosts: [],
      ulimits: [],
    },
    [below],
    meta(command, stage),
  );
const copy = (stage: string, below: Node, from: Node, ...sources: string[]): Node => {
  const action: FileAction = {
    action: 'copy',
    instruction: 'COPY',
    input: 1,
    from: 'stage',
    sources,
    files: [],
    destination: '/',
    workdir: '/',
    parents: false,
    link: false,
    excludes: [],
  };
  return graph.node({ kind: 'file', actions: [action] }, [below, from], meta(`copy ${sources.join(' ')}`, stage));
};

const one = run('one', base, 'make one');
const two = run('two', one, 'make two');
const three = run('three', base, 'make three');
const part = copy('last', base, two, '/out/*.so', 'out/lib/../x', '/bin/tool');
const target = copy('last', part, three, '/three');

test('what stands on one another is one group, called by where it begins', () => {
  const groups = groupsOf(target);
  assert.equal(groups.get(two), 'one');
  assert.equal(groups.get(three), 'three');
  assert.equal(groups.get(target), 'last');
});

test('one who reads all of another is with it', () => {
  assert.equal(new Set(groupsOf(copy('last', base, two, '/')).values()).size, 1);
  assert.equal(new Set(groupsOf(copy('last', base, two, '/*/x')).values()).size, 1);
});

test('parts in the order in which they are needed, with what is read of them', () => {
  const parts = partsOf(target, (group) => group);
  assert.deepEqual(
    parts.map((p) => [p.group, p.paths, p.needs.map((n) => n.group).sort()]),
    [
      ['one', ['/bin/tool', '/out'], []],
      ['three', ['/three'], []],
      ['last', undefined, ['one', 'three']],
    ],
  );
});

test('groups of one place are one part', () => {
  assert.equal(partsOf(target, () => 'here').length, 1);
  assert.deepEqual(
    partsOf(target, (group) => (group === 'three' ? 'there' : 'here')).map((p) => p.group),
    ['three', 'last'],
  );
});

test('a part has folders where others were, and nothing of what they stand on', () => {
  const [first, , last] = partsOf(target, (group) => group);
  assert.ok(first && last);
  const left = topological([graphOfPart(last, (p) => `part-${p.group}`)]);
  assert.deepEqual(
    left.flatMap((n) => (n.op.kind === 'source' ? [n.op.identifier] : [])),
    ['docker-image://base', 'local://part-one', 'local://part-three'],
  );
  assert.ok(!left.some((n) => n.op.kind === 'exec'));
  const taken = graphOfPart(first, () => '');
  assert.equal(taken.op.kind, 'file');
  assert.ok(topological([taken]).some((n) => n.meta.name === 'make two'));
});
