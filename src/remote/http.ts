// Files by HTTP. What is downloaded is written as it comes, and hashed on the way; nothing is held whole in memory.
import { createHash } from 'node:crypto';
import { createWriteStream, chmodSync, rmSync, statfsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, type ErrorKind, isSlipwayError, SlipwayError } from '../model/index.ts';
import { isNoSpace, noSpaceError } from '../store/index.ts';
import { type Pace, paced } from '../util/index.ts';
import { percentDecoded, withoutCredentials } from './address.ts';

export interface Downloaded {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch; 0 when the server does not say. */
  readonly modified: number;
  readonly etag?: string;
}

export interface DownloadOptions {
  /** Where the file is put. */
  readonly folder: string;
  readonly name: string;
  readonly signal: AbortSignal;
  /** The whole header. */
  readonly authorization?: string;
  /** How slow the server may be. */
  readonly pace?: Pace;
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

/** ms that a server has for the beginning of its answer, however it sends it. */
const ANSWER_TIME = 300_000;

/**
 * Asks for a file, following redirects.
 * @throws SlipwayError unavailable 'http.failed'; 'http.status' for an answer without a file, of the kind that the status says
 */
export async function openUrl(url: string, signal: AbortSignal, extra: Readonly<Record<string, string>> = {}): Promise<Response> {
  const shown = withoutCredentials(url);
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw new SlipwayError('invalid-argument', 'http.url', `invalid URL: ${shown}`);
  }
  const headers: Record<string, string> = { 'user-agent': 'slipway' };
  if (address.username !== '' || address.password !== '') {
    const pair = `${percentDecoded(address.username)}:${percentDecoded(address.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    address.username = address.password = '';
  }
  Object.assign(headers, extra);
  let response: Response;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer in time')), ANSWER_TIME);
  try {
    response = await fetch(address, { headers, signal: AbortSignal.any([signal, late.signal]) });
  } catch (e) {
    signal.throwIfAborted();
    const { cause } = e as { cause?: Error };
    throw new SlipwayError('unavailable', 'http.failed', `Get ${JSON.stringify(shown)}: ${(cause ?? (e as Error)).message}`, {
      cause: e,
      hints: ['check the address, and that this machine reaches it (a proxy is named by HTTPS_PROXY and HTTP_PROXY)'],
    });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || (response.status === 304 && extra['if-none-match'] !== undefined)) return response;
  await response.body?.cancel();
  throw new SlipwayError(
    kindOfStatus(response.status),
    'http.status',
    `failed to GET ${shown} with status ${response.status} ${response.statusText}`.trim(),
  );
}

/** The bytes of an answer. They end with SlipwayError unavailable 'http.too-slow' when the server only trickles them. */
export function bodyOf(response: Response, url: string, pace?: Pace): Readable {
  if (response.body === null) return Readable.from([]);
  const tooSlow = (): SlipwayError =>
    new SlipwayError('unavailable', 'http.too-slow', `Get ${JSON.stringify(withoutCredentials(url))}: the server sends next to nothing`, {
      hints: ['try again later, or take the file from another server'],
    });
  return Readable.from(paced(response.body, tooSlow, pace), { objectMode: false });
}

/** What an answer without success means. */
export function kindOfStatus(status: number): ErrorKind {
  if (status === 401 || status === 403 || status === 407) return 'permission-denied';
  if (status === 404 || status === 410) return 'not-found';
  return status === 408 || status === 429 || status >= 500 ? 'unavailable' : 'invalid-argument';
}

/** The secrets that give the Authorization header for a host, as BuildKit names them: of a token, else of the whole header. */
export function authorizationSecrets(url: string): { readonly token: string; readonly header: string } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return { token: `HTTP_AUTH_TOKEN_${hostname}`, header: `HTTP_AUTH_HEADER_${hostname}` };
}

/**
 * Writes a file as Docker's ADD has it: for its owner only, with the time that the server gives or else 1970.
 * @throws SlipwayError as `openUrl` and `bodyOf`; no-space 'store.full', before anything is written where the server says how much comes
 */
export async function download(url: string, o: DownloadOptions): Promise<Downloaded> {
  return (await downloadIfChanged(url, undefined, o))!;
}

/** As `download`; undefined when the server says that the file is the one it gave this `etag` to. */
export async function downloadIfChanged(url: string, etag: string | undefined, o: DownloadOptions): Promise<Downloaded | undefined> {
  const response = await openUrl(url, o.signal, {
    ...(o.authorization !== undefined && { authorization: o.authorization }),
    ...(etag !== undefined && { 'if-none-match': etag }),
  });
  if (response.status === 304) {
    await response.body?.cancel();
    return undefined;
  }
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
  if (total !== undefined && total > roomIn(o.folder)) {
    await response.body?.cancel();
    throw noSpaceError(o.folder);
  }
  try {
    await pipeline(bodyOf(response, url, o.pace), meter, createWriteStream(path, { mode: 0o600 }), { signal: o.signal });
  } catch (e) {
    rmSync(path, { force: true });
    o.signal.throwIfAborted();
    if (isSlipwayError(e)) throw e;
    if (isNoSpace(e)) throw noSpaceError(o.folder, e);
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
  const said = Date.parse(response.headers.get('last-modified') ?? '');
  const modified = Number.isNaN(said) ? 0 : said;
  utimesSync(path, modified / 1000, modified / 1000);
  const tag = response.headers.get('etag');
  return { path, digest: `sha256:${hash.digest('hex')}`, size, modified, ...(tag !== null && { etag: tag }) };
}

/** Bytes. */
function roomIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
