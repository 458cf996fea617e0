// The session of a caller that has nothing on a disk: it serves from memory, and keeps what comes out in memory.
import { Readable, Writable } from 'node:stream';
import { END_OF_ARCHIVE, encodeHeader, padding } from '../../src/archive/index.ts';
import { type LocalWish, type Session, type SessionCredentials, SlipwayError, type SshAgent } from '../../src/model/index.ts';

export interface Memory {
  /** By ID. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly agents?: Readonly<Record<string, SshAgent>>;
  /** Folders by name, as files by path; or a stream's bytes. */
  readonly locals?: Readonly<Record<string, Readonly<Record<string, string>> | Buffer>>;
  /** By host. */
  readonly credentials?: Readonly<Record<string, SessionCredentials>>;
}

export interface MemorySession extends Session {
  /** What was written, by name. */
  readonly written: Map<string, Buffer>;
  /** What was asked for, in order: `secret s`, `local context only .dockerignore`. */
  readonly asked: string[];
}

export function memorySession({ secrets = {}, agents = {}, locals = {}, credentials = {} }: Memory = {}): MemorySession {
  const asked: string[] = [];
  const written = new Map<string, Buffer>();
  return {
    asked,
    written,
    secret: async (id) => {
      asked.push(`secret ${id}`);
      const text = secrets[id];
      return text === undefined ? undefined : Buffer.from(text);
    },
    ssh: async (id) => {
      asked.push(`ssh ${id}`);
      return agents[id];
    },
    local: async (name, wish) => {
      asked.push(
        `local ${name}${wish.only === undefined ? '' : ` only ${wish.only.join(' ')}`}${wish.ignore === undefined ? '' : ' ignoring'}`,
      );
      const files = locals[name];
      if (files === undefined) throw new SlipwayError('not-found', 'session.local', `no files are named ${name}`);
      return { kind: 'stream', stream: Readable.from([Buffer.isBuffer(files) ? files : tarOf(files, wish)]) };
    },
    credentials: async (host) => {
      asked.push(`credentials ${host}`);
      return credentials[host];
    },
    output: async (name) => {
      asked.push(`output ${name}`);
      const chunks: Buffer[] = [];
      const stream = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(Buffer.from(chunk));
          done();
        },
        final: (done) => {
          written.set(name, Buffer.concat(chunks));
          done();
        },
      });
      return { kind: 'stream', stream };
    },
  };
}

/** Plain files as a tar. */
function tarOf(files: Readonly<Record<string, string>>, { only }: LocalWish = {}): Buffer {
  const parts = Object.entries(files)
    .filter(([path]) => only === undefined || only.includes(path))
    .flatMap(([path, content]) => {
      const data = Buffer.from(content);
      return [
        encodeHeader({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: data.length, mtimeNs: 0n }),
        data,
        padding(data.length),
      ];
    });
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}
