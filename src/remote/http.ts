// Files by HTTP. What is downloaded is written as it comes, and hashed on the way; nothing is held whole in memory.
import { createHash } from 'node:crypto';
import { createWriteStream, chmodSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, type ErrorKind, SlipwayError } from '../model/index.ts';
import { withoutCredentials } from './address.ts';

export interface Downloaded {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface DownloadOptions {
  /** Where the file is put. */
  readonly folder: string;
  readonly name: string;
  readonly signal: AbortSignal;
  /** Bytes so far, and of all when the server says. */
  onProgress?(current: number, total: number | undefined): void;
}

/** The last part of the path, as Docker names what it downloads; undefined when there is none. */
export function fileNameOf(url: string): string | undefined {
  const name = new URL(url).pathname.split('/').findLast((part) => part !== '');
  if (name === undefined) return undefined;
  try {
    const plain = decodeURIComponent(name);
    return plain.includes('/') || plain.includes('\0') || plain === '.' || plain === '..' ? undefined : plain;
  } catch {
    return name;
  }
}

/**
 * Asks for a file, following redirects.
 * @throws SlipwayError unavailable 'http.failed'; 'http.status' for an answer without a file, of the kind that the status says
 */
export async function openUrl(url: string, signal: AbortSignal): Promise<Response> {
  const shown = withoutCredentials(url);
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw new SlipwayError('invalid-argument', 'http.url', `invalid URL: ${shown}`);
  }
  const headers: Record<string, string> = { 'user-agent': 'slipway' };
  if (address.username !== '' || address.password !== '') {
    const pair = `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    address.username = address.password = '';
  }
  let response: Response;
  try {
    response = await fetch(address, { headers, signal });
  } catch (e) {
    signal.throwIfAborted();
    const { cause } = e as { cause?: Error };
    throw new SlipwayError('unavailable', 'http.failed', `Get ${JSON.stringify(shown)}: ${(cause ?? (e as Error)).message}`, {
      cause: e,
      hints: ['check the address, and that this machine reaches it (a proxy is named by HTTPS_PROXY and HTTP_PROXY)'],
    });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new SlipwayError(
    kindOfStatus(response.status),
    'http.status',
    `failed to GET ${shown} with status ${response.status} ${response.statusText}`.trim(),
  );
}

function kindOfStatus(status: number): ErrorKind {
  if (status === 401 || status === 403 || status === 407) return 'permission-denied';
  if (status === 404 || status === 410) return 'not-found';
  return status === 408 || status === 429 || status >= 500 ? 'unavailable' : 'invalid-argument';
}

/** Writes a file as Docker's ADD has it: for its owner only, with the time that the server gives or else 1970. */
export async function download(url: string, o: DownloadOptions): Promise<Downloaded> {
  const response = await openUrl(url, o.signal);
  const path = join(o.folder, o.name);
  const hash = createHash('sha256');
  const length = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null;
  const total = length === null ? undefined : Number(length);
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      hash.update(chunk);
      size += chunk.length;
      o.onProgress?.(size, total);
      done(null, chunk);
    },
  });
  try {
    const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
    await pipeline(body, meter, createWriteStream(path, { mode: 0o600 }), { signal: o.signal });
  } catch (e) {
    rmSync(path, { force: true });
    o.signal.throwIfAborted();
    if ((e as NodeJS.ErrnoException).code === 'ENOSPC') throw e;
    const { cause } = e as { cause?: Error };
    throw new SlipwayError(
      'unavailable',
      'http.failed',
      `Get ${JSON.stringify(withoutCredentials(url))}: ${(cause ?? (e as Error)).message}`,
      {
        cause: e,
      },
    );
  }
  chmodSync(path, 0o600);
  const modified = Date.parse(response.headers.get('last-modified') ?? '');
  const time = Number.isNaN(modified) ? 0 : modified / 1000;
  utimesSync(path, time, time);
  return { path, digest: `sha256:${hash.digest('hex')}`, size };
}
