// Copies files and trees into a root file system with as few system calls as can be: small files in one read and one write,
// big ones by the kernel. It is told where things go; it knows no instruction and no pattern.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchownSync,
  fchmodSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { nativePath } from '../../archive/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { deviceMajor, deviceMinor, mknod } from '../../sys/index.ts';
import type { ModeChange } from './chmod.ts';
import type { FileDigests } from './digests.ts';
import { lstatOrNone } from './inside.ts';
import type { Owner } from './owner.ts';
import { join, listNames, type Selection } from './selection.ts';
import { copyXattrs } from './xattrs.ts';

/** Files up to this size are read and written in one go. */
const SMALL = 128 * 1024;
const buffer = Buffer.allocUnsafeSlow(SMALL);

export interface WriterOptions {
  readonly root: string;
  readonly style: 'graph' | 'classic';
  /** Undefined: every file keeps the owner it has. */
  readonly owner: Owner | undefined;
  readonly mode: ModeChange | undefined;
  /** Files lose `security.capability`, as they do in Docker where the owner is set after it. */
  readonly dropCapabilities?: boolean;
  readonly selection: Selection;
  /** What is remembered of the files: those have no extended attributes. */
  readonly digests?: FileDigests;
  /** How messages call a path that is written to. */
  readonly shown: (path: string) => string;
}

export class TreeWriter {
  readonly #o: WriterOptions;
  /** First copy of each inode with more names than one, within one source. */
  #links = new Map<string, string | Buffer>();
  readonly #us: Owner = { uid: process.geteuid!(), gid: process.getegid!() };

  constructor(options: WriterOptions) {
    this.#o = options;
  }

  /** Forgets hard links: they are kept within one source, not among several. */
  newSource(): void {
    this.#links = new Map();
  }

  /** Copies what is in the directory `inRoot` into the directory `to`; `fresh` when `to` is known to be empty. */
  contents(inRoot: string, to: string, fresh: boolean): void {
    this.#children(inRoot, '', to, fresh);
  }

  /** Copies one entry to `to`. */
  entry(inRoot: string, stat: Stats, to: string): void {
    this.#entry(inRoot, '', stat, to, false, undefined);
  }

  #children(inRoot: string, inSource: string, to: string, fresh: boolean, make?: () => void): void {
    const from = inRoot === '' ? this.#o.root : `${this.#o.root}/${inRoot}`;
    for (const name of listNames(nativePath(from))) {
      this.#entry(join(inRoot, name), join(inSource, name), lstatSync(nativePath(`${from}/${name}`)), `${to}/${name}`, fresh, make);
    }
  }

  /** `make` makes the directory above when that waits for its first entry. */
  #entry(inRoot: string, inSource: string, stat: Stats, path: string, fresh: boolean, make: (() => void) | undefined): void {
    const to = nativePath(path);
    const from = nativePath(`${this.#o.root}/${inRoot}`);
    const directory = stat.isDirectory();
    if (!this.#o.selection.everything) {
      const verdict = this.#o.selection.verdict(inRoot, inSource, directory);
      if (verdict === 'no') return;
      if (verdict === 'below') {
        let isFresh: boolean | undefined;
        const makeThis = (): void => {
          make?.();
          isFresh ??= this.#directory(to, stat, fresh);
        };
        this.#children(inRoot, inSource, path, false, makeThis);
        if (isFresh !== undefined) this.#finishDirectory(from, to, stat);
        return;
      }
    }
    make?.();
    if (directory) {
      const isFresh = this.#directory(to, stat, fresh);
      this.#children(inRoot, inSource, path, isFresh);
      this.#finishDirectory(from, to, stat);
      return;
    }
    if (stat.isSocket() && this.#o.style === 'classic') return;
    if (!fresh) this.#clear(to);
    if (stat.isFile()) this.#file(from, to, stat);
    else this.#special(from, to, stat);
  }

  /** Makes `to` a directory; true when it was not there. Its owner, mode and times follow when its contents are in. */
  #directory(to: string | Buffer, stat: Stats, fresh: boolean): boolean {
    if (!fresh) {
      const there = lstatOrNone(to);
      if (there?.isDirectory()) return false;
      if (there) {
        if (this.#o.style === 'graph')
          throw new SlipwayError(
            'failed-precondition',
            'copy.onto-non-directory',
            `cannot copy to non-directory: ${this.#o.shown(String(to))}`,
          );
        unlinkSync(to);
      }
    }
    mkdirSync(to, (stat.mode & 0o7777) | 0o700);
    return true;
  }

  #finishDirectory(from: string | Buffer, to: string | Buffer, stat: Stats): void {
    this.#own(to, stat, chownSync);
    chmodSync(to, this.#mode(stat, true));
    copyXattrs(from, to);
    utimesSync(to, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
  }

  /** Takes away what is where a file is to go. */
  #clear(to: string | Buffer): void {
    const there = lstatOrNone(to);
    if (!there) return;
    if (!there.isDirectory()) unlinkSync(to);
    else if (this.#o.style === 'graph')
      throw new SlipwayError(
        'failed-precondition',
        'copy.onto-directory',
        `cannot replace to directory ${this.#o.shown(String(to))} with file`,
      );
    else rmSync(to, { recursive: true });
  }

  #mode(stat: Stats, directory: boolean): number {
    let mode = stat.mode & 0o7777;
    if (this.#o.mode) mode = this.#o.mode.apply(mode, directory);
    // the original engine changes the owner last, and that takes these bits away (chown(2))
    if (this.#o.style === 'classic' && this.#o.owner && !directory) mode &= (mode & 0o010) !== 0 ? ~0o6000 : ~0o4000;
    return mode;
  }

  #own(to: string | Buffer, stat: Stats, chown: (path: string | Buffer, uid: number, gid: number) => void): void {
    const owner = this.#o.owner ?? stat;
    // what we make is ours; a directory that was there may be anybody's, or inherit its group
    if (owner.uid !== this.#us.uid || owner.gid !== this.#us.gid || stat.isDirectory()) chown(to, owner.uid, owner.gid);
  }

  #file(from: string | Buffer, to: string | Buffer, stat: Stats): void {
    if (stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#links.get(key);
      if (first !== undefined) {
        linkSync(first, to);
        return;
      }
      this.#links.set(key, to);
    }
    const mode = this.#mode(stat, false);
    if (stat.size <= SMALL) this.#small(from, to, stat, mode);
    else this.#big(from, to, stat, mode);
    if (this.#o.digests?.known(stat)) return;
    copyXattrs(from, to, this.#o.dropCapabilities ? (name) => name !== 'security.capability' : undefined);
  }

  #small(from: string | Buffer, to: string | Buffer, stat: Stats, mode: number): void {
    const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
    let target: number | undefined;
    try {
      target = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode & 0o777);
      for (let total = 0; total < stat.size;) {
        const n = readSync(source, buffer, 0, SMALL, null);
        if (n === 0) break;
        for (let at = 0; at < n;) at += writeSync(target, buffer, at, n - at);
        total += n;
      }
      this.#own(to, stat, (_, uid, gid) => fchownSync(target!, uid, gid));
      if ((mode & 0o7000) !== 0) fchmodSync(target, mode);
      futimesSync(target, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
    } finally {
      closeSync(source);
      if (target !== undefined) closeSync(target);
    }
  }

  #big(from: string | Buffer, to: string | Buffer, stat: Stats, mode: number): void {
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    this.#own(to, stat, chownSync);
    chmodSync(to, mode);
    utimesSync(to, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
  }

  #special(from: string | Buffer, to: string | Buffer, stat: Stats): void {
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), to);
    // a socket without its listener is nothing: the graph engine leaves an empty file in its place
    else if (stat.isSocket()) closeSync(openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
    else mknod(to, stat.mode, deviceMajor(stat.rdev), deviceMinor(stat.rdev));
    this.#own(to, stat, lchownSync);
    if (!stat.isSymbolicLink()) chmodSync(to, this.#mode(stat, false));
    copyXattrs(from, to);
    lutimesSync(to, stat.mtimeMs / 1000, stat.mtimeMs / 1000);
  }
}
