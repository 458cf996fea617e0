// One repository of a registry by the distribution specification 1.1: manifests, blobs, uploads, tags, referrers.
import { Readable } from 'node:stream';
import {
  type Descriptor,
  type Digest,
  type Index,
  isDigest,
  isIndexType,
  isManifestType,
  isSlipwayError,
  MediaType,
  parseIndex,
  sha256,
  sniffMediaType,
  supportedDigest,
  SlipwayError,
} from '../model/index.ts';
import type { Host } from './host.ts';
import { pages } from './pages.ts';
import { bytesOf, drop, type HttpResponse, mayPass, pause, readSmall, redirected } from './http.ts';
import { unreachable } from './errors.ts';

export interface RemoteManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** An upload on its way. */
interface UploadState {
  /** Bytes that the registry has. */
  readonly sent: number;
  readonly location: URL;
}

const ACCEPT = [MediaType.ociIndex, MediaType.ociManifest, MediaType.dockerManifestList, MediaType.dockerManifest].join(', ');
const OCTETS = 'application/octet-stream';
/** What registries say of a manifest when they miss one of its blobs. */
const BLOB_MISSED = new Set(['registry.manifest-blob-unknown', 'registry.blob-unknown', 'registry.digest-invalid']);
/** Half a second all in all. */
const BLOB_MISSED_ATTEMPTS = 3;
/** Attempts at going on with one blob; each that moved something begins the count anew. */
const ATTEMPTS = 6;
/** Bytes after which a connection may break as often again. */
const GAIN = 64 << 10;
/** The digest of such a manifest is not that of its bytes. */
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

export class Repository {
  readonly host: Host;
  /** `library/busybox`. */
  readonly path: string;
  readonly #scopes: string[];
  /** With those that blobs are taken over from. A server may refuse them, which must not hinder anything else. */
  readonly #mountScopes: string[];
  readonly #signal: AbortSignal;

  /** @param also other repositories that are read from (mounts) */
  constructor(
    host: Host,
    path: string,
    access: 'pull' | 'pull,push' | 'pull,push,delete',
    signal: AbortSignal,
    also: readonly string[] = [],
  ) {
    this.host = host;
    this.path = path;
    this.#scopes = [`repository:${path}:${access}`];
    this.#mountScopes = [...this.#scopes, ...also.filter((p) => p !== path).map((p) => `repository:${p}:pull`)];
    this.#signal = signal;
  }

  /** `registry/path:tag`, as errors name it. */
  name(reference = ''): string {
    const mark = reference === '' ? '' : isDigest(reference) ? '@' : ':';
    return `${this.host.name}/${this.path}${mark}${reference}`;
  }

  /** What a tag or digest stands for; undefined when there is none. Nothing but its head is asked for. */
  async head(reference: string): Promise<Descriptor | undefined> {
    const response = await this.host.send({
      method: 'HEAD',
      path: this.#url(`manifests/${reference}`),
      headers: { accept: ACCEPT },
      scopes: this.#scopes,
    });
    await drop(response);
    if (response.status !== 200) return undefined;
    const digest = response.headers['docker-content-digest'];
    if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
    return { mediaType: response.headers['content-type'] ?? '', digest, size: Number(response.headers['content-length'] ?? 0) };
  }

  /** A manifest or index by tag or digest, verified. @throws SlipwayError `registry.manifest-unknown`, `registry.mismatch` … */
  async manifest(reference: string): Promise<RemoteManifest> {
    if (isDigest(reference)) supportedDigest(reference);
    const response = await this.host.expect(`get ${this.name(reference)}`, [200], {
      method: 'GET',
      path: this.#url(`manifests/${reference}`),
      headers: { accept: ACCEPT },
      scopes: this.#scopes,
      follow: true,
    });
    const bytes = await readSmall(response);
    const type = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    if (SCHEMA_1.test(type))
      throw new SlipwayError('unsupported', 'registry.schema-1', `${this.name(reference)} is an image of Docker's schema 1`, {
        hints: ['this form was given up in 2017, and Docker 28 reads it no more: push the image again with a newer tool'],
      });
    const digest = sha256(bytes);
    const said = isDigest(reference) ? reference : response.headers['docker-content-digest'];
    // A registry may name what a tag stands for by another algorithm; what was asked for by digest is compared above.
    if (typeof said === 'string' && !said.startsWith('sha512:') && said !== digest) throw mismatch(this.name(reference), said, digest);
    const sniffed = sniffMediaType(bytes);
    const mediaType = isIndexType(type) || isManifestType(type) ? type : sniffed;
    if (mediaType === undefined || (sniffed !== undefined && sniffed !== mediaType && (isIndexType(sniffed) || isManifestType(sniffed))))
      throw new SlipwayError(
        'data-loss',
        'registry.media-type',
        `${this.name(reference)} is announced as ${type || 'nothing'} and is ${sniffed ?? 'no manifest'}`,
      );
    return { mediaType, digest, bytes };
  }

  /**
   * Puts a manifest whose blobs are there. A registry may miss one for a moment: docker-registry empties the file that says that
   * a repository has a blob, and writes it anew, whenever a push of someone else ends that sends the same blob.
   */
  async putManifest(reference: string, mediaType: string, bytes: Buffer): Promise<Digest> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.host.expect(`push ${this.name(reference)}`, [200, 201, 202], {
          method: 'PUT',
          path: this.#url(`manifests/${reference}`),
          headers: { 'content-type': mediaType },
          body: bytes,
          scopes: this.#scopes,
        });
        await drop(response);
        return sha256(bytes);
      } catch (e) {
        if (attempt >= BLOB_MISSED_ATTEMPTS || !isSlipwayError(e) || !BLOB_MISSED.has(e.code)) throw e;
        await pause(attempt, {}, this.#signal);
      }
    }
  }

  async deleteManifest(reference: string): Promise<void> {
    await drop(
      await this.host.expect(`delete ${this.name(reference)}`, [200, 202], {
        method: 'DELETE',
        path: this.#url(`manifests/${reference}`),
        scopes: this.#scopes,
      }),
    );
  }

  /** Bytes of a blob; undefined when it is not there. */
  async blobSize(digest: Digest): Promise<number | undefined> {
    const response = await this.host.send({ method: 'HEAD', path: this.#url(`blobs/${digest}`), scopes: this.#scopes, follow: true });
    await drop(response);
    if (response.status === 200) return Number(response.headers['content-length'] ?? 0);
    if (response.status === 404) return undefined;
    await this.host.expect(`look for ${this.name(digest)}`, [200], {
      method: 'HEAD',
      path: this.#url(`blobs/${digest}`),
      scopes: this.#scopes,
      follow: true,
    });
    return undefined;
  }

  /**
   * The bytes of a blob from `start` on. A connection that breaks is taken up again where it broke. That the bytes are right
   * is for the caller to see, who has those before `start`.
   */
  async *blob(digest: Digest, start = 0, size?: number): AsyncGenerator<Buffer> {
    let at = start;
    let gained = 0;
    for (let attempt = 1; ; attempt++) {
      let response: HttpResponse;
      try {
        response = await this.#range(digest, at);
      } catch (e) {
        if (!mayPass(e) || attempt >= ATTEMPTS) throw e;
        await pause(attempt, {}, this.#signal);
        continue;
      }
      // A server that knows no ranges begins at the beginning.
      let skip = response.status === 200 ? at : 0;
      try {
        for await (const chunk of bytesOf(response)) {
          const rest = skip >= chunk.length ? undefined : chunk.subarray(skip);
          skip = Math.max(0, skip - chunk.length);
          if (rest === undefined) continue;
          at += rest.length;
          if ((gained += rest.length) >= GAIN) {
            attempt = 1;
            gained = 0;
          }
          yield rest;
        }
        if (size === undefined || at >= size) return;
        throw Object.assign(new Error('the connection ended too soon'), { code: 'ECONNRESET' });
      } catch (e) {
        response.body.destroy();
        this.#signal.throwIfAborted();
        if (e instanceof SlipwayError || !mayPass(e) || attempt >= ATTEMPTS)
          throw e instanceof SlipwayError ? e : unreachable(response.url, e);
        await pause(attempt, {}, this.#signal);
      }
    }
  }

  #range(digest: Digest, start: number): Promise<HttpResponse> {
    return this.host.expect(`get ${this.name(digest)}`, start > 0 ? [200, 206] : [200], {
      method: 'GET',
      path: this.#url(`blobs/${digest}`),
      ...(start > 0 && { headers: { range: `bytes=${start}-` } }),
      scopes: this.#scopes,
      follow: true,
    });
  }

  /** Lets the registry take a blob over from another of its repositories. False when it wants the bytes instead. */
  async mount(digest: Digest, from: string): Promise<boolean> {
    const query = `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    let response: HttpResponse;
    try {
      response = await this.host.send({
        method: 'POST',
        path: this.#url(`blobs/uploads/${query}`),
        body: Buffer.alloc(0),
        scopes: this.#mountScopes,
      });
    } catch (e) {
      // whatever keeps the registry from it, the bytes can be sent: should that fail too, its error says more
      if (isSlipwayError(e) && e.kind !== 'cancelled') return false;
      throw e;
    }
    await drop(response);
    if (response.status === 202 && response.headers.location !== undefined) {
      // It has begun an upload instead; that is not needed.
      const cancelled = await this.host.send({
        method: 'DELETE',
        path: redirected(response.url, response.headers.location),
        scopes: this.#scopes,
      });
      await drop(cancelled);
    }
    return response.status === 201;
  }

  /** Sends a small blob that is in memory, in one piece. */
  async putBlob(digest: Digest, bytes: Buffer): Promise<void> {
    const { location } = await this.#beginUpload();
    await this.#finishUpload(location, digest, bytes);
  }

  /**
   * Sends a blob. When the connection breaks, the registry is asked how far it got, and the rest follows.
   * @param source `open` gives the bytes from an offset on, the same every time; `digest` is asked once all were read
   */
  async upload(source: { size?: number; open: (start: number) => Readable; digest: () => Digest }): Promise<void> {
    let at = await this.#beginUpload();
    for (let attempt = 1; ; attempt++) {
      try {
        at = await this.#sendRest(source, at);
        break;
      } catch (e) {
        this.#signal.throwIfAborted();
        const again = mayPass(e) || (e instanceof SlipwayError && (e.kind === 'permission-denied' || e.kind === 'unavailable'));
        if (!again || attempt >= ATTEMPTS) throw e;
        await pause(attempt, {}, this.#signal);
        // Some registries forget an upload whose connection broke: then it begins anew.
        const state = (await this.#uploadState(at.location)) ?? (await this.#beginUpload());
        if (state.sent > at.sent) attempt = 1;
        at = state;
      }
    }
    await this.#finishUpload(at.location, source.digest(), Buffer.alloc(0));
  }

  /** The last step of an upload, which may bring all bytes. When its answer is lost, the blob itself tells whether it worked. */
  async #finishUpload(location: URL, digest: Digest, body: Buffer): Promise<void> {
    location.searchParams.set('digest', digest);
    try {
      const headers = { 'content-type': OCTETS };
      const put = { method: 'PUT', path: location, headers, body, scopes: this.#scopes } as const;
      await drop(await this.host.expect(`push ${this.name(digest)}`, [201, 204], put));
    } catch (e) {
      this.#signal.throwIfAborted();
      if ((await this.blobSize(digest).catch(() => undefined)) === undefined) throw e;
    }
  }

  async #beginUpload(): Promise<UploadState> {
    const begun = await this.host.expect(`push to ${this.name()}`, [202], {
      method: 'POST',
      path: this.#url('blobs/uploads/'),
      body: Buffer.alloc(0),
      scopes: this.#scopes,
    });
    await drop(begun);
    return { sent: 0, location: nextLocation(begun) };
  }

  async #sendRest(source: { size?: number; open: (start: number) => Readable }, { sent, location }: UploadState): Promise<UploadState> {
    const length = source.size === undefined ? {} : { 'content-length': String(source.size - sent) };
    const range = sent > 0 && source.size !== undefined ? { 'content-range': `${sent}-${source.size - 1}` } : {};
    const patched = await this.host.expect(`push to ${this.name()}`, [202, 201, 204], {
      method: 'PATCH',
      path: location,
      headers: { 'content-type': OCTETS, ...length, ...range },
      body: () => source.open(sent),
      scopes: this.#scopes,
    });
    await drop(patched);
    return { sent, location: nextLocation(patched, location) };
  }

  /** How many bytes the registry has of an upload, and where it goes on; undefined when it knows nothing of it. */
  async #uploadState(location: URL): Promise<UploadState | undefined> {
    const response = await this.host.send({ method: 'GET', path: location, scopes: this.#scopes });
    await drop(response);
    if (response.status !== 204 && response.status !== 202) return undefined;
    const end = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? '')?.[1];
    // `0-0` is one byte by the letter, and what some servers say of none.
    return { sent: end === undefined || end === '0' ? 0 : Number(end) + 1, location: nextLocation(response, location) };
  }

  /** All tags, in the registry's order. */
  async tags(): Promise<string[]> {
    return pages(this.host, `list the tags of ${this.name()}`, this.#url('tags/list?n=1000'), this.#scopes, (page) => page['tags']);
  }

  /** What refers to a manifest: by the API, or on registries without it by the tag that stands for it. */
  async referrers(digest: Digest, artifactType?: string): Promise<Index> {
    const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
    const response = await this.host.send({
      method: 'GET',
      path: this.#url(`referrers/${digest}${query}`),
      scopes: this.#scopes,
      follow: true,
    });
    let found: Index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] };
    if (response.status === 200) found = parseIndex(await readSmall(response));
    else {
      await drop(response);
      if (response.status !== 404) throw await this.#failed(`list what refers to ${this.name(digest)}`, digest);
      const fallback = digest.replace(':', '-');
      if ((await this.head(fallback)) !== undefined) found = parseIndex((await this.manifest(fallback)).bytes);
    }
    const filtered = artifactType === undefined ? found.manifests : found.manifests.filter((m) => m.artifactType === artifactType);
    return { ...found, manifests: filtered };
  }

  async #failed(what: string, digest: Digest): Promise<SlipwayError> {
    return this.host.expect(what, [200], { method: 'GET', path: this.#url(`referrers/${digest}`), scopes: this.#scopes }).then(
      () => new SlipwayError('unavailable', 'registry.changed-mind', `${what}: the answers contradict each other`),
      (e: unknown) => e as SlipwayError,
    );
  }

  #url(rest: string): string {
    return `/v2/${this.path}/${rest}`;
  }
}

function nextLocation(response: HttpResponse, before?: URL): URL {
  const { location } = response.headers;
  if (location === undefined) {
    if (before !== undefined) return before;
    throw new SlipwayError('data-loss', 'registry.no-location', `${response.url.host} begins an upload and does not say where`);
  }
  return redirected(response.url, location);
}

const mismatch = (name: string, expected: string, got: string): SlipwayError =>
  new SlipwayError('data-loss', 'registry.mismatch', `${name} is not what was announced: expected ${expected}, got ${got}`);
