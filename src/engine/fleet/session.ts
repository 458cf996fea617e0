// What a builder elsewhere may ask of a build: the services of BuildKit's session, answered from the build's own contexts and session.
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BuildJob } from '../../builder/index.ts';
import {
  Auth,
  Code,
  FileSend,
  FileSync,
  GrpcError,
  GrpcServer,
  Health,
  type PacketPipe,
  Secrets,
  sendFolder,
  sendTarFile,
  SSH,
  valuesOf,
} from '../../protocol/index.ts';

const HUB = 'registry-1.docker.io';

/**
 * @param result a file, for the archive that the builder sends
 * @param folders tars, by the names of the folders that they stand for
 */
export function sessionServices(job: BuildJob, result: string, folders: ReadonlyMap<string, string>): GrpcServer {
  const { session, signal } = job;
  return new GrpcServer({ status: (e) => (e instanceof GrpcError ? e : new GrpcError(Code.unknown, (e as Error).message)) })
    .add(Health, { check: async () => ({ status: 1 }) })
    .add(Secrets, {
      getSecret: async ({ ID }) => {
        const data = await session.secret(ID, signal);
        if (data === undefined) throw new GrpcError(Code.notFound, `secret ${ID}: not found`);
        return { data: Uint8Array.from(data) };
      },
    })
    .add(SSH, {
      checkAgent: async ({ ID }) => {
        if ((await session.ssh(ID)) === undefined) throw new GrpcError(Code.notFound, `unset ssh forward key ${ID}`);
        return {};
      },
      async *forwardAgent(pieces, call) {
        const [id = 'default'] = valuesOf(call.headers, 'buildkit.ssh.id');
        const agent = await session.ssh(id);
        if (agent === undefined) throw new GrpcError(Code.notFound, `unset ssh forward key ${id}`);
        const connection = await agent.connect();
        try {
          for await (const message of agentMessages(pieces)) {
            const reply = await connection.ask(message);
            const head = Buffer.alloc(4);
            head.writeUInt32BE(reply.length);
            yield { data: Uint8Array.from(Buffer.concat([head, reply])) };
          }
        } finally {
          connection.close();
        }
      },
    })
    .add(Auth, {
      credentials: async ({ Host }) => {
        const found = await session.credentials(Host === HUB ? 'docker.io' : Host);
        return { Username: found?.username ?? '', Secret: found?.password ?? found?.identityToken ?? '' };
      },
    })
    .add(FileSync, {
      async *diffCopy(replies, call) {
        const [name = ''] = valuesOf(call.headers, 'dir-name');
        const tar = folders.get(name);
        if (tar !== undefined) return yield* sent(replies, (pipe) => sendTar(pipe, tar));
        const context = name === 'context' ? job.context : contextOf(job, name.replace(/^context:/, ''));
        if (context === undefined) throw new GrpcError(Code.notFound, `no folder ${name}`);
        const included = includes(patternsOf(call.headers, 'include-patterns'));
        const { ignore } = context;
        yield* sent(replies, (pipe) =>
          sendFolder(pipe, context.root, (path, isDirectory) => {
            const wanted = included(path);
            if (wanted === 'no' || ignore === undefined || !ignore.matches(path).excluded) return wanted;
            return isDirectory && ignore.mayContainIncluded(path) ? 'below' : 'no';
          }),
        );
      },
    })
    .add(FileSend, {
      async *diffCopy(pieces) {
        await pipeline(
          (async function* () {
            for await (const { data } of pieces) yield data;
          })(),
          createWriteStream(result),
        );
        yield* [];
      },
    });
}

/** The packets of one who sends a folder, which reads those of the other side. */
async function* sent(replies: PacketPipe['replies'], send: (pipe: PacketPipe) => Promise<void>): AsyncGenerator<never> {
  const outgoing = new Readable({ objectMode: true, read: () => {} });
  const sending = send({ send: async (packet) => void outgoing.push(packet), end: () => void outgoing.push(null), replies });
  sending.catch((e: Error) => outgoing.destroy(e));
  yield* outgoing as AsyncIterable<never>;
  await sending;
}

async function sendTar(pipe: PacketPipe, path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await sendTarFile(pipe, fd);
  } finally {
    closeSync(fd);
  }
}

function contextOf(job: BuildJob, name: string): BuildJob['context'] | undefined {
  const named = job.namedContexts.get(name);
  return named?.kind === 'directory' ? named.context : undefined;
}

/** Words that are not plain ASCII come percent-encoded (fsutil's metadata). */
function patternsOf(headers: Parameters<typeof valuesOf>[0], key: string): string[] {
  const encoded = valuesOf(headers, `${key}-encoded`).length > 0;
  return valuesOf(headers, key)
    .flatMap((value) => value.split(', '))
    .map((value) => (encoded ? decodeURIComponent(value) : value));
}

/** What a list of paths takes in; one with a pattern is taken for everything, since the other side sorts it out. */
function includes(patterns: readonly string[]): (path: string) => 'yes' | 'below' | 'no' {
  if (patterns.length === 0 || patterns.some((p) => /[*?[\\!]/.test(p))) return () => 'yes';
  return (path) => {
    if (patterns.some((p) => path === p || path.startsWith(`${p}/`))) return 'yes';
    return patterns.some((p) => p.startsWith(`${path}/`)) ? 'below' : 'no';
  };
}

/** Messages of an agent, each without its length, out of pieces of any size. */
async function* agentMessages(pieces: AsyncIterable<{ readonly data: Uint8Array }>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const { data } of pieces) {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      if (rest.length < 4) break;
      const length = rest.readUInt32BE();
      // the largest that OpenSSH takes (PROTOCOL.agent)
      if (length > 256 << 10) throw new GrpcError(Code.resourceExhausted, 'a message for the agent is too long');
      if (rest.length < 4 + length) break;
      yield rest.subarray(4, 4 + length);
      rest = rest.subarray(4 + length);
    }
  }
}
