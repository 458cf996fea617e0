// Digests of files remembered between builds, so that a tree that did not change costs a walk and no reading.
// One compact file per root; a record counts for one state of one inode only. A file changed within two seconds of being
// read is never remembered: another change in the same tick of the clock could not be told from it. Nor is one with extended
// attributes: so a file that is remembered has none, and asking for them (6 µs a file) can be left out.
import { createHash, hash } from 'node:crypto';
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivate } from '../../store/index.ts';
import { sha256Hex } from '../../util/index.ts';

const MAGIC = 0x534c4447; // "SLDG"
const VERSION = 2; // from 2 on, only files without extended attributes are remembered
const FIELDS = 5; // device, inode, size, mtime, ctime
const DIGEST = 32;
const RECORD = FIELDS * 8 + DIGEST;
const HEAD = 16;
const SEAL = 32;
const SETTLED_MS = 2000;
/** Records beyond this that the last build did not meet are dropped when the file is written. */
const KEEP_UNSEEN = 100_000;
/** Files of digests, one for each root. */
const KEEP_ROOTS = 500;

const small = Buffer.allocUnsafeSlow(1 << 20);

/** SHA-256 of a file's bytes. */
export function hashFile(path: string | Buffer): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let n = readSync(fd, small, 0, small.length, null);
    if (n < small.length) {
      const more = readSync(fd, small, n, small.length - n, null);
      if (more === 0) return hash('sha256', small.subarray(0, n), 'buffer');
      n += more;
    }
    const h = createHash('sha256');
    while (n > 0) {
      h.update(small.subarray(0, n));
      n = readSync(fd, small, 0, small.length, null);
    }
    return h.digest();
  } finally {
    closeSync(fd);
  }
}

/** The remembered digests of the files below one root. */
export class FileDigests {
  readonly #file: string | undefined;
  #fields: Float64Array;
  #digests: Buffer;
  #count: number;
  readonly #byInode = new Map<number, number>();
  readonly #seen = new Set<number>();
  #changed = false;

  /** `file` is where they are kept; undefined keeps them for this process only. */
  constructor(file: string | undefined) {
    this.#file = file;
    const kept = file === undefined ? undefined : load(file);
    this.#fields = kept?.fields ?? new Float64Array(1024 * FIELDS);
    this.#digests = kept?.digests ?? Buffer.alloc(1024 * DIGEST);
    this.#count = kept?.count ?? 0;
    for (let i = 0; i < this.#count; i++) this.#byInode.set(this.#fields[i * FIELDS + 1]!, i);
  }

  /** The digest of a file whose lstat is `stat`, when it is remembered: then it has no extended attributes. */
  known(stat: Stats): Buffer | undefined {
    const at = this.#byInode.get(stat.ino);
    if (at === undefined) return undefined;
    const f = this.#fields;
    const b = at * FIELDS;
    // changing an attribute changes the ctime (inode(7))
    if (f[b] !== stat.dev || f[b + 2] !== stat.size || f[b + 3] !== stat.mtimeMs || f[b + 4] !== stat.ctimeMs) return undefined;
    this.#seen.add(at);
    return this.#digests.subarray(at * DIGEST, (at + 1) * DIGEST);
  }

  /** The digest of a file that is not known and has no extended attributes, made by reading it. */
  digest(path: string | Buffer, stat: Stats): Buffer {
    const at = this.#byInode.get(stat.ino);
    const started = Date.now();
    const made = hashFile(path);
    if (started - Math.max(stat.mtimeMs, stat.ctimeMs) > SETTLED_MS) this.#put(at, stat, made);
    return made;
  }

  #put(at: number | undefined, stat: Stats, digest: Buffer): void {
    const i = at ?? this.#count++;
    if (i * FIELDS >= this.#fields.length) {
      const fields = new Float64Array(this.#fields.length * 2);
      fields.set(this.#fields);
      this.#fields = fields;
      this.#digests = Buffer.concat([this.#digests], (fields.length / FIELDS) * DIGEST);
    }
    this.#fields.set([stat.dev, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs], i * FIELDS);
    digest.copy(this.#digests, i * DIGEST);
    this.#byInode.set(stat.ino, i);
    this.#seen.add(i);
    this.#changed = true;
  }

  /** Writes what is new. A failure to write is no failure of the build: the next one reads the files again. */
  save(): void {
    if (!this.#changed || this.#file === undefined) return;
    this.#changed = false;
    const all = [...this.#byInode.values()];
    const kept = all.length > KEEP_UNSEEN ? all.filter((i) => this.#seen.has(i)) : all;
    const out = Buffer.alloc(HEAD + kept.length * RECORD + SEAL);
    out.writeUInt32LE(MAGIC, 0);
    out.writeUInt32LE(VERSION, 4);
    out.writeUInt32LE(kept.length, 8);
    const fields = new Float64Array(out.buffer, out.byteOffset + HEAD, kept.length * FIELDS);
    kept.forEach((from, to) => {
      fields.set(this.#fields.subarray(from * FIELDS, (from + 1) * FIELDS), to * FIELDS);
      this.#digests.copy(out, HEAD + kept.length * FIELDS * 8 + to * DIGEST, from * DIGEST, (from + 1) * DIGEST);
    });
    hash('sha256', out.subarray(0, out.length - SEAL), 'buffer').copy(out, out.length - SEAL);
    const aside = `${this.#file}.${process.pid}`;
    try {
      makePrivate(dirname(this.#file));
      writeFileSync(aside, out);
      renameSync(aside, this.#file);
      dropOldest(dirname(this.#file));
    } catch {
      this.#changed = true;
      rmSync(aside, { force: true });
    }
  }
}

/** Folders that were contexts once are not remembered for ever: those that changed last stay. */
function dropOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= KEEP_ROOTS) return;
  const files = names.map((name) => ({
    path: join(folder, name),
    at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  }));
  for (const { path } of files.sort((a, b) => b.at - a.at).slice(KEEP_ROOTS)) rmSync(path, { force: true });
}

function load(file: string): { fields: Float64Array; digests: Buffer; count: number } | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  if (bytes.length < HEAD + SEAL || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) return undefined;
  const count = bytes.readUInt32LE(8);
  if (bytes.length !== HEAD + count * RECORD + SEAL) return undefined;
  if (!hash('sha256', bytes.subarray(0, bytes.length - SEAL), 'buffer').equals(bytes.subarray(bytes.length - SEAL))) return undefined;
  const room = Math.max(1024, count);
  const fields = new Float64Array(room * FIELDS);
  const raw = bytes.subarray(HEAD, HEAD + count * FIELDS * 8);
  Buffer.from(fields.buffer).set(raw);
  const digests = Buffer.alloc(room * DIGEST);
  bytes.copy(digests, 0, HEAD + count * FIELDS * 8, HEAD + count * RECORD);
  return { fields, digests, count };
}

/** The remembered digests of the directory `root`, kept below the state of `layout`. */
export function openFileDigests(layout: { readonly root: string }, root: string): FileDigests {
  return new FileDigests(join(layout.root, 'file-digests', sha256Hex(root).slice(0, 32)));
}
