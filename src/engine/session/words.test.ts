import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readContextWords, type ContextWords } from './words.ts';

const read = (o: Partial<ContextWords>) =>
  readContextWords({
    context: '.',
    file: undefined,
    named: [],
    target: undefined,
    cwd: '/w',
    stdin: () => Readable.from([]),
    readDockerfile: async () => 'FROM scratch\n',
    ...o,
  });

test('what is kept of an address has no secret in it', async () => {
  const context = 'https://user:token@git.example/app.git#main';
  const shown = 'https://user:xxxxx@git.example/app.git#main';
  const identity = async (o: Partial<ContextWords>) => (await read(o)).request.identity;
  assert.equal(await identity({ context }), `${shown} Dockerfile`);
  assert.equal((await read({ context, target: 'test' })).request.name, 'app.git#main (test)');
  assert.equal(await identity({ file: 'D' }), '/w /w/D');
  assert.equal(await identity({ context: '-', file: 'x/D' }), '- /w/x/D');
});

test('a Dockerfile of the context is named in it, another one by its folder', async () => {
  const dockerfile = async (o: Partial<ContextWords>) => (await read(o)).request.dockerfile;
  assert.deepEqual(await dockerfile({ context: 'app', file: 'app/D' }), { kind: 'inside', path: 'D', written: 'app/D' });
  assert.deepEqual(await dockerfile({ context: 'app', file: '/w/app/x/D' }), { kind: 'inside', path: 'x/D', written: '/w/app/x/D' });
  assert.deepEqual(await dockerfile({ context: 'app', file: 'app/..D' }), { kind: 'inside', path: '..D', written: 'app/..D' });
  assert.deepEqual(await dockerfile({ context: '-', file: 'x/D' }), { kind: 'inside', path: 'x/D', written: 'x/D' });
  assert.deepEqual(await dockerfile({ file: '-' }), { kind: 'text', text: 'FROM scratch\n' });
  const outside = await read({ context: 'app', file: 'other/D' });
  assert.deepEqual(outside.request.dockerfile, { kind: 'outside', name: 'dockerfile', file: 'D', written: 'other/D' });
  assert.deepEqual(
    [...outside.locals],
    [
      ['context', '/w/app'],
      ['dockerfile', '/w/other'],
    ],
  );
});

test('named contexts are data, and their folders are known to the session', async () => {
  const { request, locals } = await read({ named: ['lib=../lib', 'base=docker-image://alpine', 'l=oci-layout://d:v1'] });
  assert.deepEqual(request.namedContexts, {
    lib: { kind: 'folder', name: 'context:lib', written: '../lib' },
    base: { kind: 'image', ref: 'alpine' },
    l: { kind: 'layout', name: 'context:l', tag: 'v1' },
  });
  assert.deepEqual([...locals.keys()], ['context', 'context:lib', 'context:l']);
  assert.equal(locals.get('context:lib'), '/lib');
  await assert.rejects(read({ named: ['=x'] }), { code: 'flag.build-context' });
  await assert.rejects(read({ context: '-', file: '-' }), { code: 'build.two-stdin' });
});
