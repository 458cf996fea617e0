// What only the caller of an operation has: secrets, keys, files, credentials, and places for results. A request is data and names
// them; whoever works on it asks the caller's session for them, on the paths of this machine or over a pipe.
import type { Readable, Writable } from 'node:stream';

export interface Session {
  /** The bytes of a secret, at most 500 KiB; undefined when the caller has none of this ID. @throws SlipwayError `run.no-secret`; the signal's reason */
  secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** An SSH agent; undefined when the caller has none of this ID. */
  ssh(id: string): Promise<SshAgent | undefined>;
  /** The files of this name. @throws SlipwayError not-found `session.local` */
  local(name: string, wish: LocalWish, signal: AbortSignal): Promise<LocalFiles>;
  /** What to sign in to a registry with; undefined for anonymous. */
  credentials(host: string): Promise<SessionCredentials | undefined>;
  /** Where a result goes. @throws SlipwayError not-found `session.output` */
  output(name: string): Promise<OutputPlace>;
}

/** An agent in the sense of draft-ietf-sshm-ssh-agent. */
export interface SshAgent {
  connect(): Promise<AgentConnection>;
}

export interface AgentConnection {
  /** Sends one message, without its length, and resolves to the reply. */
  ask(message: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

/** What is needed of a folder; all of it when both are left out. Whoever has the folder at hand may ignore this. */
export interface LocalWish {
  /** These paths alone, if they exist, and what they lead to when they are links. */
  readonly only?: readonly string[];
  /** The text of a `.dockerignore`: what it leaves out need not be sent. */
  readonly ignore?: { readonly text: string; readonly dialect: 'buildkit' | 'classic' };
}

export type LocalFiles =
  /** A folder that this process can read, and reads where it lies. */
  | { readonly kind: 'folder'; readonly path: string }
  /** Bytes: a folder as a tar, or what the caller has on its standard input. */
  | { readonly kind: 'stream'; readonly stream: Readable };

export interface SessionCredentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token, in the place of a password. */
  readonly identityToken?: string;
  /** A token that is sent as it is. */
  readonly registryToken?: string;
}

export type OutputPlace =
  /** A file or a folder that this process can write. */
  | { readonly kind: 'path'; readonly path: string }
  /** An open descriptor. */
  | { readonly kind: 'descriptor'; readonly fd: number }
  /** Takes an archive; what would be a folder arrives as a tar. It has been taken whole when the stream has finished. */
  | { readonly kind: 'stream'; readonly stream: Writable };
