// The session of a caller on this machine: what a request names is at paths, and is read and written where it lies.
import type { Readable } from 'node:stream';
import {
  type LocalFiles,
  type OutputPlace,
  type Session,
  type SessionCredentials,
  SlipwayError,
  type SshAgent,
} from '../../model/index.ts';
import type { CredentialSource } from '../../registry/index.ts';
import { secretBytes, type SecretSource } from './secret.ts';

export interface PathSessionOptions {
  /** By ID. */
  readonly secrets?: ReadonlyMap<string, SecretSource>;
  /** By ID. */
  readonly agents?: ReadonlyMap<string, SshAgent>;
  /** By name: the absolute path of a folder, or how to open a stream, which is done once. */
  readonly locals?: ReadonlyMap<string, string | (() => Readable)>;
  /** By name: an absolute path, or a descriptor. */
  readonly outputs?: ReadonlyMap<string, string | number>;
  readonly credentials?: (host: string) => Promise<SessionCredentials | undefined>;
}

export class PathSession implements Session {
  readonly #o: PathSessionOptions;

  constructor(o: PathSessionOptions) {
    this.#o = o;
  }

  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const source = this.#o.secrets?.get(id);
    return source && (await secretBytes(id, source, signal));
  }

  ssh(id: string): Promise<SshAgent | undefined> {
    return Promise.resolve(this.#o.agents?.get(id));
  }

  async local(name: string): Promise<LocalFiles> {
    const place = this.#o.locals?.get(name);
    if (place === undefined) throw new SlipwayError('not-found', 'session.local', `the caller has no files named ${name}`);
    return typeof place === 'string' ? { kind: 'folder', path: place } : { kind: 'stream', stream: place() };
  }

  async credentials(host: string): Promise<SessionCredentials | undefined> {
    return await this.#o.credentials?.(host);
  }

  async output(name: string): Promise<OutputPlace> {
    const place = this.#o.outputs?.get(name);
    if (place === undefined) throw new SlipwayError('not-found', 'session.output', `the caller has no place named ${name} for a result`);
    return typeof place === 'string' ? { kind: 'path', path: place } : { kind: 'descriptor', fd: place };
  }
}

/** Finds credentials by asking a session. */
export const sessionCredentials = (session: Pick<Session, 'credentials'>): CredentialSource => ({
  get: (host) => session.credentials(host),
});

/** An agent's socket, or the keys of one or several files. @throws SlipwayError `flag.ssh`; the signal's reason */
export async function openAgent(paths: readonly string[], signal: AbortSignal): Promise<SshAgent> {
  return (await import('../../builder/index.ts')).openAgent(paths, signal);
}
