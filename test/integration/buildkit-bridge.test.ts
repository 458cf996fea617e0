// Frontends on the client's side: they ask what images are, have graphs solved, look at the files of the results, and choose what is delivered.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, Control, LLBBridge, OpSchema } from '../../src/protocol/index.ts';
import { randomId } from '../../src/util/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { BuildKitClient } from '../support/buildkit-client.ts';

let api: ApiServer;
before(async () => void (api = await apiServer()));
after(() => api.close());

const { signal } = new AbortController();

/** A definition of one program upon the image `tiny`. */
function running(command: string) {
  const def: Uint8Array[] = [];
  const add = (op: object): { digest: string; index: bigint } => {
    const bytes = toBinary(OpSchema, create(OpSchema, op));
    def.push(bytes);
    return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, index: 0n };
  };
  const tiny = add({ op: { case: 'source', value: { identifier: 'docker-image://docker.io/library/tiny:latest' } } });
  const meta = { args: ['/bin/sh', '-c', command], cwd: '/', env: ['PATH=/bin'] };
  const exec = add({ op: { case: 'exec', value: { meta, mounts: [{ input: 0n, dest: '/', output: 0n }] } }, inputs: [tiny] });
  add({ inputs: [exec] });
  return { def };
}

/** Lets `fn` be the frontend of a build. @returns what the exporters answered */
async function frontend(exporters: { Type: string; Attrs: Record<string, string> }[], fn: (b: Bridge) => Promise<object>) {
  using c = new BuildKitClient(api.path);
  c.attach();
  const Ref = randomId();
  const solving = c.grpc.unary(Control.method.solve, { Ref, Session: c.sessionId, Exporters: exporters }, { signal });
  solving.catch(() => {}); // awaited below
  const bridge = new Bridge(c, Ref);
  await c.grpc.unary(LLBBridge.method.return, await fn(bridge), { signal, metadata: bridge.metadata });
  const { ExporterResponse } = await solving;
  return { response: ExporterResponse };
}

class Bridge {
  readonly #c: BuildKitClient;
  readonly metadata: Record<string, string>;

  constructor(c: BuildKitClient, ref: string) {
    this.#c = c;
    this.metadata = { 'buildkit-controlapi-buildid': ref };
  }

  call<M extends (typeof LLBBridge.methods)[number]>(method: M, request: Parameters<BuildKitClient['grpc']['unary']>[1]) {
    return this.#c.grpc.unary(method as never, request as never, { signal, metadata: this.metadata }) as Promise<any>;
  }

  async solve(command: string): Promise<string> {
    const { result } = await this.call(LLBBridge.method.solve, { Definition: running(command) } as never);
    return result.result.value.id as string;
  }
}

const { method } = LLBBridge;

test('images are asked for by name, and are what they are here', async () => {
  await frontend([], async (b) => {
    const { Digest, Config } = await b.call(method.resolveImageConfig, { Ref: 'docker.io/library/tiny:latest' } as never);
    assert.match(Digest, /^sha256:/);
    assert.deepEqual(JSON.parse(Buffer.from(Config).toString()).config.Cmd, ['echo', 'hello']);
    const Source = { identifier: 'docker-image://docker.io/library/tiny:latest' };
    const meta = await b.call(method.resolveSourceMeta, { Source } as never);
    assert.equal(meta.Image.Digest, Digest);
    assert.equal(meta.Source.identifier, Source.identifier);
    await assert.rejects(b.call(method.resolveImageConfig, { Ref: 'localhost:1/none' } as never), /localhost:1\/none/);
    return {};
  });
});

test('files of a result are read, and the result that is chosen is delivered with the configuration of the frontend', async () => {
  const command = 'mkdir /d; echo hello > /d/text; echo > /d/other.log; ln -s /d/text /link; ln -s ../../../proc/version /out';
  const { response } = await frontend([{ Type: 'image', Attrs: { name: 'front/end:1' } }], async (b) => {
    const Ref = await b.solve(command);
    const text = async (o: object): Promise<string> => Buffer.from((await b.call(method.readFile, { Ref, ...o } as never)).Data).toString();
    assert.equal(await text({ FilePath: '/d/text' }), 'hello\n');
    assert.equal(await text({ FilePath: 'link', Range: { Offset: 1n, Length: 3n } }), 'ell');
    // a link leads nowhere but into the result
    await assert.rejects(text({ FilePath: '/out' }), { code: Code.notFound });
    await assert.rejects(text({ FilePath: '/d' }), { code: Code.notFound });
    const { entries } = await b.call(method.readDir, { Ref, DirPath: '/d' } as never);
    assert.deepEqual(
      entries.map((e: { path: string; size: bigint }) => [e.path, e.size]),
      [
        ['other.log', 1n],
        ['text', 6n],
      ],
    );
    const logs = await b.call(method.readDir, { Ref, DirPath: '/d', IncludePattern: '*.log' } as never);
    assert.equal(logs.entries.length, 1);
    const { stat } = await b.call(method.statFile, { Ref, Path: '/link' } as never);
    assert.equal(stat.linkname, '/d/text');
    await b.call(method.evaluate, { Ref } as never);
    await assert.rejects(b.call(method.readFile, { Ref: 'none', FilePath: '/x' } as never), { code: Code.notFound });
    // another one that is not chosen
    await b.solve('echo no > /d');
    const config = Buffer.from(JSON.stringify({ config: { Entrypoint: ['/d/text'] } }));
    return { result: { result: { case: 'ref', value: { id: Ref } }, metadata: { 'containerimage.config': config } } };
  });
  const image = api.engine.images.resolve('front/end:1');
  assert.equal(response['containerimage.config.digest'], image.id);
  assert.deepEqual(image.config.config?.Entrypoint, ['/d/text']);
});

test('a program that fails fails the call of the frontend, which may go on', async () => {
  const { response } = await frontend([{ Type: 'image', Attrs: { name: 'front/other' } }], async (b) => {
    await assert.rejects(b.solve('exit 4'), /exit code: 4/);
    return { result: { result: { case: 'ref', value: { id: await b.solve('echo > /fine') } } } };
  });
  assert.equal(api.engine.images.resolve('front/other').id, response['containerimage.config.digest']);
});

test('several results are refused, and an error of the frontend is the error of the build', async () => {
  await assert.rejects(
    frontend([], async () => ({ result: { result: { case: 'refs', value: { refs: { a: { id: '1' }, b: { id: '2' } } } } } })),
    { code: Code.unimplemented },
  );
  await assert.rejects(
    frontend([], async () => ({ error: { code: Code.failedPrecondition, message: 'I do not like it' } })),
    { code: Code.failedPrecondition, message: 'I do not like it' },
  );
});
