// A client of BuildKit's protocol for tests, on Slipway's own codec: it solves Dockerfiles of a folder, as buildctl does, and serves its session.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingHttpHeaders } from 'node:http2';
import {
  Auth,
  BytesPipe,
  clientOn,
  Code,
  Control,
  FileSend,
  FileSync,
  GrpcClient,
  GrpcError,
  GrpcServer,
  PacketSchema,
  receiveTar,
  Secrets,
  sendTarFile,
  serverOn,
  valuesOf,
} from '../../src/protocol/index.ts';
import { randomId } from '../../src/util/index.ts';

type SolveInit = Parameters<GrpcClient['unary']>[1] & {
  Frontend?: string;
  FrontendAttrs?: Record<string, string>;
  Exporters?: { Type: string; Attrs: Record<string, string> }[];
};

export interface Solved {
  readonly response: Record<string, string>;
  /** Names of vertices in the order of their ends, `(cached)` behind those that were. */
  readonly vertices: readonly string[];
  readonly output: string;
  readonly warnings: readonly string[];
}

export class BuildKitClient implements Disposable {
  readonly grpc: GrpcClient;
  readonly sessionId = randomId();
  /** Folders by the names that the frontend asks for. */
  readonly folders = new Map<string, string>();
  readonly secrets = new Map<string, string>();
  /** What the exporters sent, by their number; folders as tars. */
  readonly received = new Map<string, Buffer>();
  /** What was asked of a folder. */
  readonly asked: IncomingHttpHeaders[] = [];
  readonly #end = new AbortController();

  constructor(path: string) {
    const socket = connect(path);
    socket.on('error', () => {});
    this.grpc = new GrpcClient(clientOn(socket));
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    this.grpc.session.destroy();
  }

  /** Opens the session, for as long as this lives. `folders`: results come as folders, and not as archives. */
  attach(o: { readonly folders?: boolean } = {}): void {
    const { signal } = this.#end;
    const call = this.grpc.open(Control.method.session, { signal, metadata: { 'x-docker-expose-session-uuid': this.sessionId } });
    const pipe = new BytesPipe(call.replies);
    void (async () => {
      for await (const message of pipe.outgoing()) await call.send(message);
      call.end();
    })().catch(() => {});
    const services = this.#services();
    if (o.folders) this.#addFolders(services);
    else this.#addArchives(services);
    services.serve(serverOn(pipe));
  }

  /** Ends the session as a client does that is killed. */
  hangUp(): void {
    this.#end.abort();
  }

  async solve(request: SolveInit, signal: AbortSignal = this.#end.signal): Promise<Solved> {
    const Ref = randomId();
    const vertices: string[] = [];
    const warnings: string[] = [];
    let output = '';
    const solving = this.grpc.unary(
      Control.method.solve,
      { Ref, Session: this.sessionId, Frontend: 'dockerfile.v0', ...request },
      { signal },
    );
    solving.catch(() => {}); // awaited below
    const status = this.grpc.open(Control.method.status, { signal });
    await status.send({ Ref });
    status.end();
    for await (const update of status.replies) {
      for (const v of update.vertexes) if (v.completed) vertices.push(`${v.name}${v.cached ? ' (cached)' : ''}`);
      for (const log of update.logs) output += Buffer.from(log.msg).toString();
      for (const w of update.warnings) warnings.push(Buffer.from(w.short).toString());
    }
    const { ExporterResponse: response } = await solving;
    return { response, vertices, output, warnings };
  }

  #services(): GrpcServer {
    const { secrets, folders, asked } = this;
    return new GrpcServer({ status: (e) => (e instanceof GrpcError ? e : new GrpcError(Code.unknown, String(e))) })
      .add(Secrets, {
        getSecret: async ({ ID }) => {
          const data = secrets.get(ID);
          if (data === undefined) throw new GrpcError(Code.notFound, `secret ${ID} not found`);
          return { data: Buffer.from(data) };
        },
      })
      .add(Auth, { credentials: async () => ({}) })
      .add(FileSync, {
        async *diffCopy(replies, call) {
          asked.push(call.headers);
          const [name = ''] = valuesOf(call.headers, 'dir-name');
          const folder = folders.get(name);
          if (folder === undefined) throw new GrpcError(Code.notFound, `no folder ${name}`);
          yield* sending(folder, replies as AsyncIterable<never>);
        },
      });
  }

  #addArchives(services: GrpcServer): void {
    const { received } = this;
    services.add(FileSend, {
      async *diffCopy(pieces, call) {
        const [id = ''] = valuesOf(call.headers, 'buildkit-attachable-exporter-id');
        const all: Buffer[] = [];
        for await (const { data } of pieces) all.push(Buffer.from(data));
        received.set(id, Buffer.concat(all));
        yield* [];
      },
    });
  }

  #addFolders(services: GrpcServer): void {
    const { received } = this;
    const method = { ...FileSend.method.diffCopy, input: PacketSchema, output: PacketSchema };
    services.add(
      { ...FileSend, methods: [method], method: { diffCopy: method } } as never,
      {
        async *diffCopy(packets: AsyncIterable<never>, call: { headers: IncomingHttpHeaders }) {
          const [id = ''] = valuesOf(call.headers, 'buildkit-attachable-exporter-id');
          const outgoing = channel();
          const pieces: Buffer[] = [];
          const taking = (async () => {
            for await (const piece of receiveTar({
              send: async (p) => outgoing.push(p),
              end: () => outgoing.push(undefined),
              replies: packets,
            }))
              pieces.push(Buffer.from(piece));
          })();
          taking.catch(() => outgoing.push(undefined));
          yield* outgoing;
          await taking;
          received.set(id, Buffer.concat(pieces));
        },
      } as never,
    );
  }
}

function channel() {
  const items: unknown[] = [];
  let wake = (): void => {};
  let ended = false;
  return {
    push(item: unknown): void {
      if (item === undefined) ended = true;
      else items.push(item);
      wake();
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<never> {
      for (;;) {
        if (items.length > 0) yield items.shift() as never;
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** A folder by DiffCopy. */
async function* sending(folder: string, replies: AsyncIterable<never>): AsyncGenerator<never> {
  const work = mkdtempSync(join(tmpdir(), 'slipway-context-'));
  const tar = join(work, 'context.tar');
  spawnSync('tar', ['--owner=0', '--group=0', '-cf', tar, '-C', folder, '.']);
  const fd = openSync(tar, 'r');
  const outgoing = channel();
  const sent = sendTarFile({ send: async (p) => outgoing.push(p), end: () => outgoing.push(undefined), replies }, fd);
  sent.catch(() => outgoing.push(undefined));
  try {
    yield* outgoing;
    await sent;
  } finally {
    closeSync(fd);
    rmSync(work, { recursive: true });
  }
}
