// The one resolver of paths below a directory that stands for `/`: a context, a stage, an image, an archive's folder, a volume.
// No link, absolute or full of `..`, leads out of it. The kernel resolves where it can (openat2(2), RESOLVE_IN_ROOT); a walk over
// descriptors does where it cannot, and where part of a path is missing. Callers get descriptors, or names in an open directory.
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { bind, check, cString, errno, systemError } from './native.ts';
import { callName, decodeName, nativePath } from './names.ts';
import { readRegular, reopenRegular } from './regular.ts';

const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Not among those that node:fs names (open(2)). */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

const SYS_OPENAT2 = 437; // the same on all architectures
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const [ENOENT, ENOTDIR, EAGAIN, EPERM, ENOSYS, ELOOP] = [2, 20, 11, 1, 38, 40];
/** As other implementations of chroot-like resolution have it; the kernel's own limit of 40 holds for what it resolves. */
const MAX_LINKS = 255;
const ATTEMPTS = 16;

const cOpenat = bind('int openat(int directory, const void *path, int flags, unsigned int mode)');
const cOpenat2 = bind('long syscall(long number, int directory, const void *path, const void *how, size_t size)');
const cReadlinkat = bind('long readlinkat(int directory, const void *path, void *buffer, size_t size)');
const how = Buffer.alloc(24);
const target = Buffer.alloc(4096);

/** An open directory. What is named in it is reached without resolving anything above it again. */
export class Directory implements Disposable {
  readonly fd: number;
  /** Its path from the root of its tree, links followed; '' is the root. */
  readonly inside: string;
  #mode: number | undefined;

  constructor(fd: number, inside: string) {
    this.fd = fd;
    this.inside = inside;
  }

  /** What node:fs takes for a name in it. A link of that name is followed by calls that follow links. */
  at(name: string): string | Buffer {
    return nativePath(`/proc/self/fd/${this.fd}/${name}`);
  }

  /** The directory itself, for calls that follow links and for those that do not. */
  get self(): string {
    return `/proc/self/fd/${this.fd}/.`;
  }

  /** lstat of a name in it; undefined when there is none. */
  stat(name: string): Stats | undefined {
    return lstatSync(this.at(name), { throwIfNoEntry: false });
  }

  /** Its names, sorted, so that every walk of one tree is alike. */
  list(): string[] {
    return listNames(this.self);
  }

  /** Opens a name in it, never through a link. @throws system errors, ELOOP for a link */
  open(name: string, flags: number, mode = 0): number {
    const fd = cOpenat(this.fd, callName(name), flags | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) throw systemError('open', this.#shown(name));
    return fd;
  }

  directory(name: string): Directory {
    return new Directory(this.open(name, O_PATH | O_DIRECTORY), this.inside === '' ? name : `${this.inside}/${name}`);
  }

  /** New names in it take its group. */
  get setgid(): boolean {
    return ((this.#mode ??= fstatSync(this.fd).mode) & 0o2000) !== 0;
  }

  #shown(name: string): string {
    return `/${this.inside === '' ? '' : `${this.inside}/`}${name}`;
  }

  close(): void {
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Sorted names of a directory; names that are not UTF-8 as `names.ts` has them. */
export function listNames(path: string | Buffer): string[] {
  const names = readdirSync(path, 'utf8');
  // a replacement character may stand for a byte that is not UTF-8: read those again as they are
  return (names.some((n) => n.includes('\ufffd')) ? readdirSync(path, 'buffer').map(decodeName) : names).sort();
}

interface Walked {
  readonly words: readonly string[];
  /** How many of the words exist. */
  readonly found: number;
}

export class RootedTree implements Disposable {
  readonly #root: number;
  readonly #kernel: boolean;

  /**
   * @param root the directory that is `/`; links in this path itself are followed
   * @param o `kernel: false` resolves by walking, as on kernels before 5.6
   */
  constructor(root: string, o: { readonly kernel?: boolean } = {}) {
    this.#root = check(cOpenat(-100, cString(root), O_PATH | O_DIRECTORY | O_CLOEXEC, 0), 'open', root);
    this.#kernel = o.kernel ?? true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#root);
  }

  /**
   * Opens `path`, links followed inside the root; with O_NOFOLLOW the last word is not followed, and with O_PATH too a link itself
   * can be opened. @throws system errors
   */
  open(path: string, flags: number): number {
    const fd = this.#open(path, flags);
    if (fd < 0) throw systemError('open', shown(path), -fd);
    return fd;
  }

  /** A descriptor, or a negative errno. */
  #open(path: string, flags: number): number {
    if (this.#kernel && kernelResolves) {
      how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
      how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
      const name = callName(path.replace(/^\/*/, '') || '.');
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const fd = cOpenat2(SYS_OPENAT2, this.#root, name, how, how.length);
        if (fd >= 0) return fd;
        const code = errno();
        // EPERM is what old seccomp profiles answer for calls that they do not know
        if (code === ENOSYS || code === EPERM) {
          kernelResolves = false;
          break;
        }
        // something was renamed meanwhile, and the kernel cannot tell whether `..` is safe
        if (code !== EAGAIN) return -code;
      }
    }
    let fd = -ENOENT;
    const { words, found } = this.#walk(path, (flags & O_NOFOLLOW) !== 0, (last) => (fd = last));
    if (found < words.length) return fd;
    if ((flags & O_PATH) !== 0 && (flags & O_DIRECTORY) === 0) return fd;
    // an O_PATH descriptor is opened again by its magic link, which cannot be diverted
    const again = cOpenat(
      -100,
      cString(`/proc/self/fd/${fd}${(flags & O_DIRECTORY) !== 0 ? '/.' : ''}`),
      (flags & ~O_NOFOLLOW) | O_CLOEXEC,
      0,
    );
    const code = errno();
    closeSync(fd);
    return again < 0 ? -code : again;
  }

  /**
   * Where `path` leads: from the root, links followed, words that are missing as they are written; '' is the root. With `keepLast`
   * a link is not followed when it is the last word. @throws ELOOP
   */
  locate(path: string, keepLast = false): string {
    return this.#walk(path, keepLast).words.join('/');
  }

  /** The path and how much of it exists. @throws ELOOP */
  missing(path: string): { readonly inside: string; readonly missing: number } {
    const { words, found } = this.#walk(path, false);
    return { inside: words.join('/'), missing: words.length - found };
  }

  /** The status of what `path` leads to, a link in the last place not followed; undefined when there is nothing. */
  stat(path: string): Stats | undefined {
    const fd = this.#open(path, O_PATH | O_NOFOLLOW);
    if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
    if (fd < 0) throw systemError('lstat', shown(path), -fd);
    try {
      return fstatSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** The directory that `path` leads to. @throws ENOENT, ENOTDIR, ELOOP */
  directory(path: string): Directory {
    const inside = this.locate(path);
    return new Directory(this.open(inside, O_PATH | O_DIRECTORY | O_NOFOLLOW), inside);
  }

  /** What a link says that stands at `path`; undefined when no link does. */
  readLink(path: string): string | undefined {
    const fd = this.#open(path, O_PATH | O_NOFOLLOW);
    if (fd < 0) return undefined;
    try {
      return fstatSync(fd).isSymbolicLink() ? linkTarget(fd, path) : undefined;
    } finally {
      closeSync(fd);
    }
  }

  list(path: string): string[] {
    using directory = this.directory(path);
    return directory.list();
  }

  /** Opens a regular file for reading. @throws system errors, ENOTREG for anything else */
  openFile(path: string): number {
    return reopenRegular(this.open(path, O_PATH), shown(path));
  }

  /** The bytes of a regular file. @throws as `openFile`, EFBIG above `largest` */
  readFile(path: string, largest?: number): Buffer {
    return readRegular(this.openFile(path), shown(path), largest);
  }

  /**
   * The text of a file that a program of this root would read, '' when it would find none. @throws ENOTREG for what is no regular
   * file, EFBIG above `largest`
   */
  readText(path: string, largest?: number): string {
    try {
      return this.readFile(path, largest).toString();
    } catch (e) {
      if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes((e as NodeJS.ErrnoException).code ?? '')) return '';
      throw e;
    }
  }

  /**
   * The directory `path`, created with what is missing above it; `made` is called for each that was created, in its parent.
   * @throws ENOTDIR with the path inside the root where something else is in the way
   */
  makeDirectories(path: string, mode: number, made?: (parent: Directory, name: string) => void): Directory {
    const { words, found } = this.#walk(path, false);
    let at = this.directory(words.slice(0, found).join('/'));
    try {
      for (const name of words.slice(found)) {
        mkdirSync(at.at(name), mode);
        made?.(at, name);
        const next = at.directory(name);
        at.close();
        at = next;
      }
      return at;
    } catch (e) {
      at.close();
      throw e;
    }
  }

  /** Follows `path` word by word. `take` gets a descriptor (O_PATH) of the end when all exists, else a negative errno. */
  #walk(path: string, keepLast: boolean, take?: (fd: number) => void): Walked {
    const rest = path.split('/').reverse();
    const words: string[] = [];
    /** One for each word that exists. */
    const open: number[] = [];
    let links = 0;
    let failed = ENOENT;
    const shorten = (length: number): void => {
      words.length = Math.min(words.length, length);
      while (open.length > length) closeSync(open.pop()!);
    };
    try {
      while (rest.length > 0) {
        const word = rest.pop()!;
        if (word === '' || word === '.') continue;
        if (word === '..') {
          shorten(Math.max(words.length - 1, 0));
          continue;
        }
        if (open.length < words.length) {
          words.push(word);
          continue;
        }
        const fd = cOpenat(open.at(-1) ?? this.#root, callName(word), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0) {
          failed = errno();
          if (failed !== ENOENT && failed !== ENOTDIR) throw systemError('open', shown(path), failed);
          words.push(word);
          continue;
        }
        if (!fstatSync(fd).isSymbolicLink() || (keepLast && rest.every((w) => w === '' || w === '.'))) {
          words.push(word);
          open.push(fd);
          continue;
        }
        let link: string;
        try {
          link = linkTarget(fd, path);
        } finally {
          closeSync(fd);
        }
        if (++links > MAX_LINKS) throw systemError('open', shown(path), ELOOP);
        if (link.startsWith('/')) shorten(0);
        rest.push(...link.split('/').reverse());
      }
      const found = open.length;
      if (take !== undefined) {
        if (found < words.length) take(-failed);
        else take(open.pop() ?? check(cOpenat(this.#root, cString('.'), O_PATH | O_CLOEXEC, 0), 'open', '/'));
      }
      return { words, found };
    } finally {
      for (const fd of open) closeSync(fd);
    }
  }
}

let kernelResolves = true;

function linkTarget(fd: number, path: string): string {
  const size = check(cReadlinkat(fd, cString(''), target, target.length), 'readlink', shown(path));
  return decodeName(target.subarray(0, size));
}

const shown = (path: string): string => `/${path.replace(/^\/+/, '')}`;
