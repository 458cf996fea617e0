// Files by HTTP as sources of a build. An address is asked once, and the file fetched only when the server does not say that it is
// what an earlier build got (RFC 9110, If-None-Match).
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceOp } from '../../graph/index.ts';
import { type Digest, isDigest, SlipwayError } from '../../model/index.ts';
import { type Downloaded, downloadIfChanged } from '../../remote/index.ts';
import { type Layout, makePrivate, ownedFolder } from '../../store/index.ts';
import { removeTree, writeFileAtomic } from '../../sys/index.ts';
import { sha256Hex } from '../../util/index.ts';
import type { Result } from '../result.ts';
import { FileDigests } from '../steps/index.ts';
import { type Elsewhere, httpAuthorization } from '../elsewhere.ts';
import type { Bringing, Source } from './types.ts';

/** What an address gave, and by which tag the server knows that version. */
interface Known {
  readonly etag: string;
  readonly digest: Digest;
  /** ms since the epoch. */
  readonly modified: number;
}

interface Resolved {
  readonly digest: Digest;
  readonly modified: number;
  /** Where the file is, when it had to be fetched. */
  readonly folder?: string;
}

type OnProgress = (current: number, total: number | undefined) => void;

/** Notes that are kept; the oldest go. */
const MOST_KNOWN = 1000;

export class HttpSource implements Source {
  readonly #layout: Layout;
  readonly #request: Elsewhere;
  readonly #resolved = new Map<string, Promise<Resolved>>();
  /** By the same names, what is known already. */
  readonly #keys = new Map<string, string>();
  readonly #folders: string[] = [];

  constructor(layout: Layout, request: Elsewhere) {
    this.#layout = layout;
    this.#request = request;
  }

  /** Throws as `downloadIfChanged` does. */
  async resolve(op: SourceOp): Promise<void> {
    if (op.http?.checksum === undefined) await this.#resolve(op);
  }

  key(op: SourceOp): string | undefined {
    const { checksum, name } = op.http!;
    return this.#keys.get(idOf(op)) ?? (checksum === undefined ? undefined : `file:${checksum}:${name}`);
  }

  /** Throws as `downloadIfChanged` does, data-loss 'add.checksum' when the file is another than was asked for. */
  async bring(op: SourceOp, { onProgress }: Bringing): Promise<Result> {
    const root = await this.#folder(op, (current, total) => onProgress('downloading', current, total));
    return { kind: 'directory', root, ignore: undefined, digests: new FileDigests(undefined) };
  }

  close(): void {
    for (const folder of this.#folders) removeTree(folder);
  }

  async #folder(op: SourceOp, onProgress: OnProgress): Promise<string> {
    const { checksum, name } = op.http!;
    if (checksum === undefined) {
      const { folder, digest } = await this.#resolve(op);
      if (folder !== undefined) return folder;
      const got = await this.#fetch(op, undefined, onProgress);
      if (got?.digest === digest) return got.folder;
      throw new SlipwayError('unavailable', 'http.changed', `${name} changed at its address while it was fetched`);
    }
    const got = await this.#fetch(op, undefined, onProgress);
    if (got?.digest === checksum) return got.folder;
    throw new SlipwayError('data-loss', 'add.checksum', `digest mismatch ${got?.digest}: ${checksum}`, {
      hints: ['what is at this address is not what the checksum was written down for'],
    });
  }

  #resolve(op: SourceOp): Promise<Resolved> {
    const id = idOf(op);
    let resolving = this.#resolved.get(id);
    if (resolving === undefined) this.#resolved.set(id, (resolving = this.#ask(op, id)));
    return resolving.then((found) => {
      this.#keys.set(id, `file:${found.digest}:${op.http?.name}:${found.modified}`);
      return found;
    });
  }

  async #ask(op: SourceOp, id: string): Promise<Resolved> {
    const path = join(this.#notes, `${sha256Hex(id)}.json`);
    const known = readKnown(path);
    const got = await this.#fetch(op, known?.etag, () => {});
    if (got === undefined) return known!;
    if (got.etag !== undefined) {
      makePrivate(this.#notes);
      writeFileAtomic(path, JSON.stringify({ etag: got.etag, digest: got.digest, modified: got.modified } satisfies Known));
      this.#forgetOldest();
    }
    return got;
  }

  get #notes(): string {
    return join(this.#layout.root, 'http-etags');
  }

  async #fetch(op: SourceOp, etag: string | undefined, onProgress: OnProgress): Promise<(Downloaded & { folder: string }) | undefined> {
    const folder = ownedFolder(this.#layout);
    this.#folders.push(folder);
    const authorization = await httpAuthorization(op.identifier, this.#request);
    const got = await downloadIfChanged(op.identifier, etag, {
      folder,
      name: op.http!.name,
      signal: this.#request.signal,
      onProgress,
      ...(authorization !== undefined && { authorization }),
    });
    return got && { ...got, folder };
  }

  #forgetOldest(): void {
    const names = readdirSync(this.#notes);
    if (names.length <= MOST_KNOWN) return;
    const byAge = names.map((name) => ({ name, at: statSync(join(this.#notes, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
    for (const { name } of byAge.sort((a, b) => a.at - b.at).slice(0, names.length - MOST_KNOWN))
      rmSync(join(this.#notes, name), { force: true });
  }
}

const idOf = (op: SourceOp): string => `${op.identifier}\0${op.http?.name ?? ''}\0${op.http?.checksum ?? ''}`;

function readKnown(path: string): Known | undefined {
  try {
    const { etag, digest, modified } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Known>;
    return typeof etag === 'string' && typeof digest === 'string' && isDigest(digest) && typeof modified === 'number'
      ? { etag, digest, modified }
      : undefined;
  } catch {
    // Missing, or half written by a power cut: the file is fetched again.
    return undefined;
  }
}
