// Copies files and trees into a root file system with as few system calls as can be: small files in one read and one write,
// big ones by the kernel, always through descriptors of the directories they are in. It knows no instruction and no pattern.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { SlipwayError } from '../../model/index.ts';
import { deviceMajor, deviceMinor, type Directory, lutimesNs, mknod, type RootedTree } from '../../sys/index.ts';
import type { ModeChange } from './chmod.ts';
import type { FileDigests } from './digests.ts';
import type { Owner } from './owner.ts';
import type { Selection } from './selection.ts';
import { join, splitPath } from './words.ts';
import { copyXattrs } from './xattrs.ts';

/** Files up to this size are read and written in one go. */
const SMALL = 128 * 1024;
const buffer = Buffer.allocUnsafeSlow(SMALL);

export interface WriterOptions {
  /** What is copied from. */
  readonly tree: RootedTree;
  readonly style: 'graph' | 'classic';
  /** Undefined: every file keeps the owner it has. */
  readonly owner: Owner | undefined;
  readonly mode: ModeChange | undefined;
  /** Files lose `security.capability`, as they do in Docker where the owner is set after it. */
  readonly dropCapabilities?: boolean;
  readonly selection: Selection;
  /** What is remembered of the files: those have no extended attributes. */
  readonly digests?: FileDigests;
}

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL;

/** Where an entry goes. The directory may wait to be created until something goes into it. */
type Target = () => Directory;

export class TreeWriter {
  readonly #o: WriterOptions;
  /** The first copy of each inode with more names than one: its path from `#base`. */
  readonly #links = new Map<string, string>();
  #base: Directory | undefined;
  readonly #us: Owner = { uid: process.geteuid!(), gid: process.getegid!() };

  constructor(options: WriterOptions) {
    this.#o = options;
  }

  /** Copies what is in the directory `path` of the tree into `to`; `fresh` when `to` is known to be empty. */
  contents(path: string, to: Directory, fresh: boolean): void {
    this.#begin(to);
    using from = this.#o.tree.directory(path);
    this.#children(from, '', () => to, fresh);
  }

  /** Copies the entry `path` of the tree, which is not its root, to `name` in `to`. */
  entry(path: string, stat: Stats, to: Directory, name: string): void {
    this.#begin(to);
    const [above, from] = splitPath(path);
    using parent = this.#o.tree.directory(above);
    this.#entry(parent, from, '', stat, () => to, name, false);
  }

  /** Gives `path` the time of its source. Node takes times before 1970 for the present; the original engine has none of them. */
  time(stat: Stats, path: string | Buffer, set = (seconds: number) => utimesSync(path, seconds, seconds)): void {
    if (stat.mtimeMs >= 0 || this.#o.style === 'classic') return set(Math.max(0, stat.mtimeMs) / 1000);
    const ns = BigInt(Math.round(stat.mtimeMs * 1000)) * 1000n;
    lutimesNs(path, ns, ns);
  }

  /** Hard links are kept within one source, not among several. */
  #begin(to: Directory): void {
    this.#links.clear();
    this.#base = to;
  }

  #children(from: Directory, inSource: string, to: Target, fresh: boolean): void {
    for (const name of from.list()) {
      const stat = from.stat(name);
      if (stat !== undefined) this.#entry(from, name, join(inSource, name), stat, to, name, fresh);
    }
  }

  #entry(from: Directory, name: string, inSource: string, stat: Stats, to: Target, toName: string, fresh: boolean): void {
    const directory = stat.isDirectory();
    const verdict = this.#o.selection.everything ? 'yes' : this.#o.selection.verdict(join(from.inside, name), inSource, directory);
    if (verdict === 'no') return;
    if (directory) {
      this.#directory(from, name, inSource, stat, to, toName, fresh, verdict === 'yes');
      return;
    }
    if (stat.isSocket() && this.#o.style === 'classic') return;
    const target = to();
    if (!fresh) this.#clear(target, toName);
    if (stat.isFile()) this.#file(from, name, target, toName, stat);
    else this.#special(from, name, target, toName, stat);
  }

  /** `taken`: the directory itself is, and not only what is below it. Its owner, mode and times follow when its contents are in. */
  #directory(
    from: Directory,
    name: string,
    inSource: string,
    stat: Stats,
    to: Target,
    toName: string,
    fresh: boolean,
    taken: boolean,
  ): void {
    using source = from.directory(name);
    let made: Directory | undefined;
    let isFresh = false;
    const make = (): Directory => {
      if (made !== undefined) return made;
      const above = to();
      isFresh = this.#makeDirectory(above, toName, stat, fresh);
      return (made = above.directory(toName));
    };
    try {
      if (taken) make();
      this.#children(source, inSource, make, isFresh);
      if (made !== undefined) this.#finishDirectory(source, made, stat, taken);
    } finally {
      made?.close();
    }
  }

  /** True when it was not there. */
  #makeDirectory(to: Directory, name: string, stat: Stats, fresh: boolean): boolean {
    if (!fresh) {
      const there = to.stat(name);
      if (there?.isDirectory()) return false;
      if (there) {
        if (this.#o.style === 'graph')
          throw new SlipwayError(
            'failed-precondition',
            'copy.onto-non-directory',
            `cannot copy to non-directory: /${join(to.inside, name)}`,
          );
        unlinkSync(to.at(name));
      }
    }
    mkdirSync(to.at(name), (stat.mode & 0o7777) | 0o700);
    return true;
  }

  #finishDirectory(from: Directory, to: Directory, stat: Stats, taken: boolean): void {
    const owner = this.#o.owner ?? stat;
    chownSync(to.self, owner.uid, owner.gid);
    // the original engine knows nothing of a directory that is left out, and of which something below is not
    chmodSync(to.self, taken || this.#o.style === 'graph' ? this.#mode(stat, true) : 0o755);
    copyXattrs(from.self, to.self);
    this.time(stat, to.self);
  }

  /** Takes away what is where a file is to go. */
  #clear(to: Directory, name: string): void {
    const there = to.stat(name);
    if (!there) return;
    if (!there.isDirectory()) unlinkSync(to.at(name));
    else if (this.#o.style === 'graph')
      throw new SlipwayError(
        'failed-precondition',
        'copy.onto-directory',
        `cannot replace to directory /${join(to.inside, name)} with file`,
      );
    else rmSync(to.at(name), { recursive: true });
  }

  #mode(stat: Stats, directory: boolean): number {
    let mode = stat.mode & 0o7777;
    if (this.#o.mode) mode = this.#o.mode.apply(mode, directory);
    // the original engine changes the owner last, and that takes these bits away (chown(2))
    if (this.#o.style === 'classic' && this.#o.owner && !directory) mode &= (mode & 0o010) !== 0 ? ~0o6000 : ~0o4000;
    return mode;
  }

  /** What we make is ours already, unless it takes the group of the directory that it is in. */
  #own(to: Directory, stat: Stats, chown: (uid: number, gid: number) => void): void {
    const owner = this.#o.owner ?? stat;
    if (owner.uid !== this.#us.uid || owner.gid !== this.#us.gid || to.setgid) chown(owner.uid, owner.gid);
  }

  #file(from: Directory, name: string, to: Directory, toName: string, stat: Stats): void {
    if (stat.nlink > 1) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#links.get(key);
      if (first !== undefined) {
        linkSync(this.#base!.at(first), to.at(toName));
        return;
      }
      const inside = join(to.inside, toName);
      this.#links.set(key, this.#base!.inside === '' ? inside : inside.slice(this.#base!.inside.length + 1));
    }
    const mode = this.#mode(stat, false);
    const source = from.open(name, O_RDONLY | O_NONBLOCK);
    try {
      if (stat.size <= SMALL) this.#small(source, to, toName, stat, mode);
      else this.#big(source, to, toName, stat, mode);
    } finally {
      closeSync(source);
    }
  }

  #small(source: number, to: Directory, name: string, stat: Stats, mode: number): void {
    const target = to.open(name, NEW_FILE, mode & 0o777);
    try {
      for (let total = 0; total < stat.size;) {
        const n = readSync(source, buffer, 0, SMALL, null);
        if (n === 0) break;
        for (let at = 0; at < n;) at += writeSync(target, buffer, at, n - at);
        total += n;
      }
      this.#finishFile(source, target, to, name, stat, mode, (mode & 0o7000) !== 0);
    } finally {
      closeSync(target);
    }
  }

  #big(source: number, to: Directory, name: string, stat: Stats, mode: number): void {
    copyFileSync(`/proc/self/fd/${source}`, to.at(name), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const target = to.open(name, O_WRONLY);
    try {
      // libuv gives a copy the owner of what it copies
      fchownSync(target, this.#us.uid, this.#us.gid);
      this.#finishFile(source, target, to, name, stat, mode, true);
    } finally {
      closeSync(target);
    }
  }

  #finishFile(source: number, target: number, to: Directory, name: string, stat: Stats, mode: number, chmod: boolean): void {
    this.#own(to, stat, (uid, gid) => fchownSync(target, uid, gid));
    // after the owner: changing that clears the set-id bits and capabilities
    if (chmod) fchmodSync(target, mode);
    if (!this.#o.digests?.known(stat) && !this.#o.dropCapabilities) copyXattrs(source, target);
    this.time(stat, to.at(name), (seconds) => futimesSync(target, seconds, seconds));
  }

  #special(from: Directory, name: string, to: Directory, toName: string, stat: Stats): void {
    const target = to.at(toName);
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from.at(name), 'buffer'), target);
    // a socket without its listener is nothing: the graph engine leaves an empty file in its place
    else if (stat.isSocket()) closeSync(to.open(toName, NEW_FILE, 0o600));
    else mknod(target, stat.mode, deviceMajor(stat.rdev), deviceMinor(stat.rdev));
    this.#own(to, stat, (uid, gid) => lchownSync(target, uid, gid));
    if (!stat.isSymbolicLink()) chmodSync(target, this.#mode(stat, false));
    this.time(stat, target, (seconds) => lutimesSync(target, seconds, seconds));
  }
}
