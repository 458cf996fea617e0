// Definitions in LLB, as buildctl and what generates graphs send them: solved by `serve`, results as archives.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, DefinitionSchema, OpSchema } from '../../src/protocol/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { BuildKitClient } from '../support/buildkit-client.ts';

let api: ApiServer;
before(async () => void (api = await apiServer()));
after(() => api.close());

type Init = NonNullable<Parameters<typeof create<typeof OpSchema>>[1]>;
interface Ref {
  readonly digest: string;
  readonly index: bigint;
}

/** Operations as they are marshalled: each is called by the digest of its bytes. */
class Builder {
  readonly def: Uint8Array[] = [];
  readonly #names: Record<string, { description: Record<string, string> }> = {};

  op(op: Init['op'], inputs: readonly Ref[] = [], name?: string): Ref {
    const bytes = toBinary(OpSchema, create(OpSchema, { op: op as never, inputs: inputs as never }));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.def.push(bytes);
    if (name !== undefined) this.#names[digest] = { description: { 'llb.customname': name } };
    return { digest, index: 0n };
  }

  source(identifier: string, attrs: Record<string, string> = {}): Ref {
    return this.op({ case: 'source', value: { identifier, attrs } as never });
  }

  definition(result: Ref) {
    const pointer = toBinary(OpSchema, create(OpSchema, { inputs: [result] as never }));
    return create(DefinitionSchema, { def: [...this.def, pointer], metadata: this.#names as never });
  }
}

const output = ({ digest }: Ref, index: number): Ref => ({ digest, index: BigInt(index) });
const meta = (command: string) => ({ args: ['/bin/sh', '-c', command], cwd: '/', env: ['PATH=/bin'] });
const exec = (command: string, mounts: object[]) => ({ case: 'exec', value: { meta: meta(command), mounts } }) as never;
const file = (...actions: object[]) => ({ case: 'file', value: { actions } }) as never;
const mkfile = (path: string, text: string, o: object = {}) => ({
  input: -1n,
  secondaryInput: -1n,
  output: 0n,
  action: { case: 'mkfile', value: { path, mode: 0o640, data: Buffer.from(text), timestamp: -1n } },
  ...o,
});

async function solved(
  b: Builder,
  result: Ref,
  folders: Record<string, Record<string, string>> = {},
  attributes: Record<string, string> = {},
) {
  using c = new BuildKitClient(api.path);
  for (const [name, files] of Object.entries(folders)) {
    const folder = join(api.folder, `folder-${name}`);
    rmSync(folder, { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    c.folders.set(name, folder);
  }
  c.attach();
  const done = await c.solve({ Frontend: '', Definition: b.definition(result), Exporters: [{ Type: 'tar', Attrs: attributes }] } as never);
  const tar = c.received.get('0') as Buffer;
  const run = (...args: string[]): string => spawnSync('tar', args, { input: tar, encoding: 'utf8' }).stdout;
  return {
    ...done,
    names: run('-t')
      .split('\n')
      .filter((n) => n !== ''),
    text: (name: string) => run('-xO', name),
    list: run('-tv'),
    asked: c.asked,
  };
}

test('files that are made, changed and removed, in one operation', async () => {
  const b = new Builder();
  const made = b.op(
    file(
      {
        input: -1n,
        secondaryInput: -1n,
        output: -1n,
        action: { case: 'mkdir', value: { path: '/a/b', mode: 0o750, makeParents: true, timestamp: -1n } },
      },
      mkfile('/a/b/one', '1', { input: 0n, output: -1n }),
      mkfile('/a/b/two', '2', { input: 1n, output: -1n }),
      {
        input: 2n,
        secondaryInput: -1n,
        output: -1n,
        action: { case: 'symlink', value: { oldpath: 'b', newpath: '/a/link', timestamp: -1n } },
      },
      { input: 3n, secondaryInput: -1n, output: 0n, action: { case: 'rm', value: { path: '/a/b/o*', allowWildcard: true } } },
    ),
    [],
    'my own name',
  );
  const { names, list, vertices } = await solved(b, made);
  assert.deepEqual(names, ['a/', 'a/b/', 'a/b/two', 'a/link']);
  assert.match(list, /-rw-r----- .* a\/b\/two\n/);
  assert.ok(vertices.includes('my own name'), vertices.join());
});

test('a program upon an image, with a folder of the client, and a second output', async () => {
  const b = new Builder();
  const tiny = b.source('docker-image://docker.io/library/tiny:latest');
  const local = b.source('local://src', { 'local.excludepatterns': '["*.log"]' });
  const ran = b.op(
    exec('cat /in/a > /out; ls /in > /data/names; echo done', [
      { input: 0n, dest: '/', output: 0n },
      { input: 1n, dest: '/in', output: -1n, readonly: true },
      { input: -1n, dest: '/data', output: 1n },
    ]),
    [tiny, local],
  );
  const src = { src: { a: 'from the client', 'b.log': 'no', c: '' } };
  const root = await solved(b, ran, src);
  assert.equal(root.text('out'), 'from the client');
  assert.match(root.output, /done\n/);
  const data = await solved(b, output(ran, 1), src);
  assert.deepEqual(data.names, ['names']);
  assert.equal(data.text('names'), 'a\nc\n');
  assert.equal(String(data.asked[0]?.['exclude-patterns']), '*.log');
});

test('merge, diff and copies between them', async () => {
  const b = new Builder();
  const one = b.op(file(mkfile('/one', '1')));
  const two = b.op(file(mkfile('/two', '2')));
  const merged = b.op({ case: 'merge', value: { inputs: [{ input: 0n }, { input: 1n }] } as never }, [one, two]);
  const changed = b.op(file(mkfile('/three', '3', { input: 0n })), [merged]);
  const diff = b.op({ case: 'diff', value: { lower: { input: 0n }, upper: { input: 1n } } as never }, [merged, changed]);
  const copied = b.op(
    file({
      input: -1n,
      secondaryInput: 0n,
      output: 0n,
      action: { case: 'copy', value: { src: '/', dest: '/all', mode: -1, dirCopyContents: true, createDestPath: true, timestamp: -1n } },
    }),
    [merged],
  );
  assert.deepEqual((await solved(b, merged)).names, ['one', 'two']);
  const d = new Builder();
  d.def.push(...b.def);
  assert.deepEqual((await solved(d, diff)).names, ['three']);
  assert.deepEqual((await solved(d, copied)).names, ['all/', 'all/one', 'all/two']);
});

test('an image of a definition has the configuration that the client gives', async () => {
  const b = new Builder();
  const one = b.op(file(mkfile('/one', '1')));
  using c = new BuildKitClient(api.path);
  c.attach();
  const config = JSON.stringify({ architecture: 'riscv64', os: 'linux', config: { Env: ['A=b'], Entrypoint: ['/one'] } });
  await c.solve({
    Frontend: '',
    Definition: b.definition(one),
    Exporters: [{ Type: 'image', Attrs: { name: 'llb/app', 'containerimage.config': config } }],
  } as never);
  const { config: made } = api.engine.images.resolve('llb/app');
  assert.equal(made.architecture, 'riscv64');
  assert.deepEqual(made.config?.Entrypoint, ['/one']);
  assert.equal(made.rootfs.diff_ids.length, 1);
});

for (const [what, make, code] of [
  ['an operation that is not there', (b: Builder) => ({ digest: `sha256:${'0'.repeat(64)}`, index: 0n, b }), Code.invalidArgument],
  ['an output that is not there', (b: Builder) => output(b.op(file(mkfile('/x', ''))), 7), Code.invalidArgument],
  [
    'a program without arguments',
    (b: Builder) => b.op({ case: 'exec', value: { meta: { args: [] }, mounts: [] } } as never),
    Code.invalidArgument,
  ],
  ['a build within a build', (b: Builder) => b.op({ case: 'build', value: {} } as never), Code.unimplemented],
  ['an address that is none', (b: Builder) => b.source('https://'), Code.invalidArgument],
  ['an attribute that would have no effect', (b: Builder) => b.source('https://example.com/x', { 'http.perm': '493' }), Code.unimplemented],
  ['a source of another kind', (b: Builder) => b.source('ftp://x/y'), Code.unimplemented],
  [
    'an input of a mount that is not there',
    (b: Builder) => b.op(exec('true', [{ input: 5n, dest: '/', output: 0n }])),
    Code.invalidArgument,
  ],
] as const)
  test(`${what} is refused`, async () => {
    const b = new Builder();
    await assert.rejects(solved(b, make(b)), { code });
  });

test('a definition of many operations', async () => {
  const b = new Builder();
  let last = b.op(file(mkfile('/0', '')));
  for (let i = 1; i < 200; i++) last = b.op({ case: 'merge', value: { inputs: [{ input: 0n }] } as never }, [last]);
  assert.deepEqual((await solved(b, last)).names, ['0']);
});
