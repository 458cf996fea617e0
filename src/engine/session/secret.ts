// What a secret on this machine holds. A file is read whenever it is asked for; a pipe, as `<(command)` and /dev/stdin may be, gives its
// bytes once.
import { statSync } from 'node:fs';
import { SlipwayError } from '../../model/index.ts';
import { readInput, reasonOf } from '../../sys/index.ts';

export type SecretSource = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'value'; readonly data: Uint8Array };

/** Bytes; Docker's limit. */
const LARGEST_SECRET = 500 * 1024;

const pipes = new WeakMap<SecretSource, Promise<Uint8Array>>();

/**
 * The bytes of a secret. Waits for whoever writes to a pipe, until `signal`.
 * @throws SlipwayError 'run.no-secret' when its file cannot be read; the signal's reason
 */
export function secretBytes(id: string, source: SecretSource, signal: AbortSignal): Promise<Uint8Array> {
  if (source.kind === 'value') return Promise.resolve(source.data);
  const known = pipes.get(source);
  if (known !== undefined) return known;
  const reading = readSecret(id, source.path, signal);
  if (statSync(source.path, { throwIfNoEntry: false })?.isFIFO() === true) pipes.set(source, reading);
  return reading;
}

async function readSecret(id: string, path: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readInput(path, { largest: LARGEST_SECRET, signal });
  } catch (cause) {
    signal.throwIfAborted();
    const reason = reasonOf(cause, 'ENOENT', 'EISDIR', 'ENOTREG', 'EFBIG');
    if (reason === undefined) throw cause;
    const kind = reasonOf(cause, 'ENOENT') !== undefined ? 'not-found' : 'invalid-argument';
    throw new SlipwayError(kind, 'run.no-secret', `failed to read secret ${id}: open ${path}: ${reason}`, { cause });
  }
}
