// The session of a client of BuildKit: what a build needs of its user is asked over the connection that the client has opened for it.
import { closeSync, createWriteStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type AgentConnection,
  type LocalFiles,
  type LocalWish,
  type OutputPlace,
  type Session,
  type SessionCredentials,
  SlipwayError,
  type SshAgent,
} from '../model/index.ts';
import {
  Auth,
  Code,
  FileSend,
  FileSync,
  type GrpcClient,
  GrpcError,
  type Metadata,
  type PacketPipe,
  PacketSchema,
  receiveTar,
  Secrets,
  sendTarFile,
  SSH,
  Upload,
} from '../protocol/index.ts';

/** Docker Hub, by the names that its images and its registry have. */
const HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
/** Bytes of a message with a part of an archive. */
const PIECE = 1 << 20;

/** Where a result goes: an archive as it is, or the files of one. */
export type Place = { readonly kind: 'archive' | 'files'; /** Which of the solve's exporters it is of. */ readonly exporter: number };

export interface ClientSessionOptions {
  readonly client: GrpcClient;
  readonly signal: AbortSignal;
  /** By the names that the delivery has for them. */
  readonly places: ReadonlyMap<string, Place>;
  /** A folder for what cannot be passed on before all of it is there. */
  readonly scratch: string;
}

export class ClientSession implements Session {
  readonly #o: ClientSessionOptions;

  constructor(o: ClientSessionOptions) {
    this.#o = o;
  }

  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { data } = (await this.#ask(() => this.#o.client.unary(Secrets.method.getSecret, { ID: id }, { signal }))) ?? {};
    return data;
  }

  async ssh(id: string): Promise<SshAgent | undefined> {
    const { client, signal } = this.#o;
    const there = await this.#ask(() => client.unary(SSH.method.checkAgent, { ID: id }, { signal }));
    return there && { connect: () => Promise.resolve(new ForwardedAgent(client, id, signal)) };
  }

  async local(name: string, wish: LocalWish, signal: AbortSignal): Promise<LocalFiles> {
    // an archive or a Dockerfile on the client's standard input
    if (name.startsWith('upload:')) return { kind: 'stream', stream: this.#upload(name.slice('upload:'.length), signal) };
    const call = this.#o.client.open(FileSync.method.diffCopy, { metadata: folderMetadata(name, wish), signal });
    const pipe: PacketPipe = { send: call.send, replies: call.replies, end: call.end };
    return { kind: 'stream', stream: Readable.from(asSlipwayErrors(receiveTar(pipe), name), { objectMode: false }) };
  }

  async credentials(host: string): Promise<SessionCredentials | undefined> {
    const { client, signal } = this.#o;
    const asked = HUB.has(host) ? 'registry-1.docker.io' : host;
    const found = await this.#ask(() => client.unary(Auth.method.credentials, { Host: asked }, { signal }));
    if (found === undefined || (found.Username === '' && found.Secret === '')) return undefined;
    return found.Username === '' ? { identityToken: found.Secret } : { username: found.Username, password: found.Secret };
  }

  async output(name: string): Promise<OutputPlace> {
    const place = this.#o.places.get(name);
    if (place === undefined) throw new SlipwayError('not-found', 'session.output', `the client has no place named ${name} for a result`);
    const metadata = { 'buildkit-attachable-exporter-id': String(place.exporter) };
    return { kind: 'stream', stream: place.kind === 'archive' ? this.#archive(metadata) : this.#files(metadata) };
  }

  /** Passes an archive on as it comes. */
  #archive(metadata: Metadata): Writable {
    const { client, signal } = this.#o;
    const call = client.open(FileSend.method.diffCopy, { metadata, signal });
    const taken = (async () => {
      for await (const _ of call.replies);
    })();
    taken.catch(() => {}); // told to the one who writes
    return new Writable({
      highWaterMark: PIECE,
      write: (chunk: Buffer, _encoding, done) => {
        void (async () => {
          for (let at = 0; at < chunk.length; at += PIECE) await call.send({ data: Uint8Array.from(chunk.subarray(at, at + PIECE)) });
        })().then(() => done(), done);
      },
      final: (done) => {
        call.end();
        taken.then(() => done(), done);
      },
      destroy: (error, done) => {
        if (error !== null) call.cancel();
        done(error);
      },
    });
  }

  /** Files go one by one, as the client asks for them: the archive has to be there first. */
  #files(metadata: Metadata): Writable {
    const { client, signal, scratch } = this.#o;
    const folder = mkdtempSync(join(scratch, 'files-'));
    const path = join(folder, 'files.tar');
    const input = new PassThrough({ highWaterMark: PIECE });
    const written = pipeline(input, createWriteStream(path));
    written.catch(() => {}); // told to the one who writes
    const send = async (): Promise<void> => {
      await written;
      const fd = openSync(path, 'r');
      try {
        const call = client.open({ ...FileSend.method.diffCopy, input: PacketSchema, output: PacketSchema }, { metadata, signal });
        await sendTarFile({ send: call.send, replies: call.replies, end: call.end }, fd);
        for await (const _ of call.replies); // it has taken all when it ends the call
      } finally {
        closeSync(fd);
      }
    };
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => void (input.write(chunk) ? done() : input.once('drain', done)),
      final: (done) => {
        input.end();
        send().then(() => done(), done);
      },
      destroy: (error, done) => {
        input.destroy();
        rmSync(folder, { recursive: true, force: true });
        done(error);
      },
    });
  }

  #upload(path: string, signal: AbortSignal): Readable {
    const call = this.#o.client.open(Upload.method.pull, { metadata: { urlpath: path, urlhost: 'buildkit-session' }, signal });
    call.end();
    return Readable.from(
      (async function* () {
        for await (const { data } of call.replies) yield Buffer.from(data);
      })(),
      { objectMode: false },
    );
  }

  /** undefined where the client has no such thing, or does not know the question. @throws SlipwayError unavailable `session.failed` */
  async #ask<T>(fn: () => Promise<T>): Promise<T | undefined> {
    try {
      return await fn();
    } catch (e) {
      if (!(e instanceof GrpcError)) throw e;
      if (e.code === Code.notFound || e.code === Code.unimplemented) return undefined;
      // buildkit's agents have no code for it
      if (e.code === Code.unknown && /not found|unset/.test(e.message)) return undefined;
      throw new SlipwayError('unavailable', 'session.failed', `the client could not answer: ${e.message}`, { cause: e });
    }
  }
}

async function* asSlipwayErrors(pieces: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (cause) {
    if (!(cause instanceof GrpcError)) throw cause;
    throw new SlipwayError(cause.code === Code.notFound ? 'not-found' : 'unavailable', 'session.local', `${name}: ${cause.message}`, {
      cause,
    });
  }
}

/** What of a folder is wanted (fsutil's FilterOpt); words that are not plain ASCII go percent-encoded. */
function folderMetadata(name: string, wish: LocalWish): Metadata {
  const all: Record<string, readonly string[]> = {
    'dir-name': [name],
    ...(wish.only && { 'include-patterns': wish.only, followpaths: wish.only }),
    ...(wish.ignore && { 'exclude-patterns': ignorePatterns(wish.ignore.text) }),
  };
  const out: Record<string, string | readonly string[]> = {};
  for (const [key, values] of Object.entries(all)) {
    if (values.length === 0) continue;
    const plain = values.every((value) => /^[\x20-\x7e]*$/.test(value));
    out[key] = plain ? values : values.map((value) => encodeURIComponent(value));
    if (!plain) out[`${key}-encoded`] = '1';
  }
  return out;
}

/** The lines of a `.dockerignore` as patterns (moby/patternmatcher, ignorefile). */
function ignorePatterns(text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const word = (i === 0 ? line.replace(/^\ufeff/, '') : line).replace(/\r$/, '');
    if (word.startsWith('#') || word.trim() === '') return [];
    const inverted = word.trim().startsWith('!');
    const path = (inverted ? word.trim().slice(1) : word).trim();
    if (path === '') return inverted ? ['!'] : [];
    const clean = path
      .split('/')
      .reduce<string[]>(
        (words, w) =>
          w === '..' && words.length > 0 && words.at(-1) !== '..' ? words.slice(0, -1) : w === '' || w === '.' ? words : [...words, w],
        [],
      )
      .join('/');
    return [`${inverted ? '!' : ''}${clean === '' ? '.' : clean}`];
  });
}

/** An agent on the other side of a connection: its messages come in pieces of any size. */
class ForwardedAgent implements AgentConnection {
  readonly #call;
  readonly #replies: AsyncIterator<{ readonly data: Uint8Array }>;
  #rest = Buffer.alloc(0);

  constructor(client: GrpcClient, id: string, signal: AbortSignal) {
    this.#call = client.open(SSH.method.forwardAgent, { metadata: { 'buildkit.ssh.id': id }, signal });
    this.#replies = this.#call.replies[Symbol.asyncIterator]();
  }

  async ask(message: Uint8Array): Promise<Uint8Array> {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(message.length);
    await this.#call.send({ data: Uint8Array.from(Buffer.concat([head, message])) });
    const length = (await this.#take(4)).readUInt32BE();
    // the largest that OpenSSH takes (PROTOCOL.agent)
    if (length > 256 << 10) throw new SlipwayError('unavailable', 'session.agent', 'the reply of the agent is too long');
    return this.#take(length);
  }

  async #take(n: number): Promise<Buffer> {
    while (this.#rest.length < n) {
      const { done, value } = await this.#replies.next();
      if (done === true) throw new SlipwayError('unavailable', 'session.agent', 'the agent closed the connection');
      this.#rest = Buffer.concat([this.#rest, value.data]);
    }
    const out = this.#rest.subarray(0, n);
    this.#rest = this.#rest.subarray(n);
    return out;
  }

  close(): void {
    this.#call.cancel();
  }
}
