// Lends the user's SSH agent, or keys of theirs, to a command: a socket of our own. Of the agent protocol
// (draft-ietf-sshm-ssh-agent) a command may list keys and have data signed; adding, removing and locking is refused, as in BuildKit.
import { chmodSync, chownSync, closeSync, openSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { type AgentConnection, SlipwayError, type SshAgent } from '../../../model/index.ts';
import { readInput, reasonOf } from '../../../sys/index.ts';
import { parseSshKey, type SshKey, SshReader, sshStrings, uint32 } from './ssh-keys.ts';

const FAILURE = Buffer.of(5);
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** As OpenSSH's agent has it. */
const LARGEST_MESSAGE = 256 * 1024;

/** Larger files are no keys. */
const LARGEST_KEY = 100 * 1024;

/** An agent's socket, or the keys of one or several files. @throws SlipwayError `flag.ssh`; the signal's reason */
export async function openAgent(paths: readonly string[], signal: AbortSignal): Promise<SshAgent> {
  const invalid = (message: string, hints: readonly string[] = [], cause?: unknown): SlipwayError =>
    new SlipwayError('invalid-argument', 'flag.ssh', message, { hints, cause });
  const keys: SshKey[] = [];
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined)
      throw invalid(`stat ${path}: no such file or directory`, ['--ssh default=$SSH_AUTH_SOCK, or the file of a private key']);
    if (stat.isSocket()) {
      if (paths.length > 1) throw invalid('only single socket allowed');
      return { connect: () => Promise.resolve(connectionTo(path)) };
    }
    let text: Buffer;
    try {
      text = await readInput(path, { largest: LARGEST_KEY, signal });
    } catch (cause) {
      signal.throwIfAborted();
      const { code } = cause as NodeJS.ErrnoException;
      throw invalid(`failed to read ${path}: ${reasonOf(cause, 'EISDIR', 'ENOTREG', 'EFBIG') ?? code}`, [], cause);
    }
    try {
      keys.push(parseSshKey(text));
    } catch (cause) {
      const { message } = cause as Error;
      throw invalid(
        `failed to parse ${path}: ${message}`,
        message.includes('passphrase') ? [`ssh-add ${path}, then --ssh default`] : [],
        cause,
      );
    }
  }
  return { connect: () => Promise.resolve({ ask: (message) => Promise.resolve(answerWith(keys, message)), close: () => {} }) };
}

/** Listens on `path`; resolves to what ends it. */
export async function serveAgent(
  path: string,
  agent: SshAgent,
  o: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const server = createServer((here) => {
    open.add(here);
    const end = (): void => {
      open.delete(here);
      here.destroy();
    };
    here.once('close', end).on('error', end);
    void converse(here, agent).then(end, end);
  });
  // the name of a socket may have 107 bytes only (unix(7)): a descriptor of its directory stands for the rest, until the
  // server takes its name away again
  const directory = openSync(dirname(path), 'r');
  server.once('close', () => closeSync(directory));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${directory}/${basename(path)}`, resolve);
  });
  chownSync(path, o.uid, o.gid);
  chmodSync(path, o.mode);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      // processes of the step that outlive it have no say in when it ends
      for (const socket of open) socket.destroy();
    });
}

/** Answers one request after the other, until the other side ends. */
async function converse(here: Socket, agent: SshAgent): Promise<void> {
  const there = await agent.connect();
  // a client that leaves while the agent is asked leaves the agent too
  here.once('close', () => there.close());
  try {
    for await (const request of messages(here)) {
      const allowed = request[0] === REQUEST_IDENTITIES || request[0] === SIGN_REQUEST;
      here.write(sshStrings(Buffer.from(allowed ? await there.ask(request) : FAILURE)));
    }
  } finally {
    there.close();
  }
}

/** A connection with the agent that listens on a socket. */
function connectionTo(path: string): AgentConnection {
  const there = connect(path);
  // an error ends the stream of replies, which says so to whoever waits for one
  there.on('error', () => {});
  const replies = messages(there);
  return {
    ask: async (message) => {
      there.write(sshStrings(Buffer.from(message)));
      const { value, done } = await replies.next();
      if (done === true) throw new Error('the agent has gone');
      return value;
    },
    close: () => there.destroy(),
  };
}

/** What an agent that holds `keys` says. */
export function answerWith(keys: readonly SshKey[], message: Uint8Array): Buffer {
  const request = Buffer.from(message);
  if (request[0] === REQUEST_IDENTITIES) {
    const listed = keys.map((key) => sshStrings(key.blob, Buffer.from(key.comment)));
    return Buffer.concat([Buffer.of(IDENTITIES_ANSWER), uint32(keys.length), ...listed]);
  }
  try {
    const r = new SshReader(request.subarray(1));
    const blob = r.string();
    const data = r.string();
    const key = keys.find((k) => k.blob.equals(blob));
    return key === undefined ? FAILURE : Buffer.concat([Buffer.of(SIGN_RESPONSE), sshStrings(key.sign(data, r.uint32()))]);
  } catch {
    return FAILURE;
  }
}

/** The messages of a stream: a length, and as many bytes. @throws for one that is too long */
async function* messages(stream: Socket): AsyncGenerator<Buffer, undefined> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    while (bytes.length >= 4) {
      const length = bytes.readUInt32BE(0);
      if (length === 0 || length > LARGEST_MESSAGE) throw new Error('a message of an agent is empty or too long');
      if (bytes.length < 4 + length) break;
      yield bytes.subarray(4, 4 + length);
      bytes = bytes.subarray(4 + length);
    }
  }
  return undefined;
}
