// The folder of one run for what lives as long as it: files to bind into the container, layers that are thrown away, sockets.
import { chmodSync, chownSync, closeSync, fstatSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escaped } from '../../../snapshot/index.ts';
import { enterPrivateMountNamespace, mount, MountFlag, O_PATH, removeTree, RootedTree, UmountFlag, unmount } from '../../../sys/index.ts';

export class Scratch {
  readonly path: string;
  readonly #mounts: string[] = [];
  readonly #closers: (() => void | Promise<void>)[] = [];
  #serial = 0;
  #memory: string | undefined;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  /** A new directory. */
  directory(mode = 0o755): string {
    const path = join(this.path, String(this.#serial++));
    mkdirSync(path);
    return chmod(path, mode);
  }

  file(name: string, data: string | Uint8Array, mode = 0o644): string {
    const path = join(this.path, `${this.#serial++}-${name}`);
    writeFileSync(path, data);
    return chmod(path, mode);
  }

  /** A file that is never on a disk. */
  secretFile(data: Uint8Array, mode: number, uid: number, gid: number): string {
    const path = join(this.#memoryFolder(), String(this.#serial++));
    writeFileSync(path, data, { mode: 0o600 });
    chownSync(path, uid, gid);
    return chmod(path, mode);
  }

  /** A directory whose files are never on a disk. */
  secretDirectory(mode = 0o700): string {
    const path = join(this.#memoryFolder(), String(this.#serial++));
    mkdirSync(path);
    return chmod(path, mode);
  }

  /** Memory that is not swapped out, mounted where no other process sees it: it ends with this one, even by SIGKILL. */
  #memoryFolder(): string {
    if (this.#memory !== undefined) return this.#memory;
    const at = this.directory(0o711);
    const flags = MountFlag.MS_NOSUID | MountFlag.MS_NODEV | MountFlag.MS_NOEXEC;
    try {
      this.mount('tmpfs', at, 'tmpfs', flags, 'mode=0711,size=64m,noswap');
    } catch {
      this.mount('ramfs', at, 'ramfs', flags, 'mode=0711'); // before Linux 6.4; never swapped out either
    }
    return (this.#memory = at);
  }

  mount(source: string, target: string, type: string, flags: number, data?: string): void {
    mount(source, target, type, flags, data);
    this.#mounts.push(target);
  }

  /** `path` bound to a name without the characters that mean something in the options of an overlay. */
  plainName(path: string): string {
    const at = this.directory();
    this.mount(path, at, '', MountFlag.MS_BIND);
    return at;
  }

  /**
   * What lies at `path` below `root`, bound to a name that is ours alone. A runtime would resolve the path again, and whoever shares
   * the tree, as steps share a cache and users a context, could have put a link there meanwhile. @throws system errors
   */
  bound(root: string, path: string): string {
    enterPrivateMountNamespace(); // what was opened outside of it cannot be bound here
    using tree = new RootedTree(root);
    const fd = tree.open(path, O_PATH);
    try {
      const at = fstatSync(fd).isDirectory() ? this.directory() : this.file('bound', '');
      this.mount(`/proc/self/fd/${fd}`, at, '', MountFlag.MS_BIND | MountFlag.MS_REC);
      return at;
    } finally {
      closeSync(fd);
    }
  }

  /** An overlay of `lowers`, topmost first. With `writable`, what is written is thrown away. */
  overlay(lowers: readonly string[], writable: boolean): string {
    const target = this.directory();
    const upper = writable ? this.directory() : undefined;
    const layers = lowers.length > 1 || writable ? lowers : [...lowers, this.directory()];
    const options = [`lowerdir=${layers.map(escaped).join(':')}`];
    if (upper !== undefined) options.push(`upperdir=${escaped(upper)}`, `workdir=${escaped(this.directory())}`, 'volatile');
    // the root that is seen is that of the topmost layer: it belongs to whom the shown directory belongs
    const top = upper ?? (lowers.length > 1 ? lowers[0] : undefined);
    if (top !== undefined) {
      const { uid, gid, mode, atimeMs, mtimeMs } = statSync(lowers.at(-1) as string);
      chownSync(top, uid, gid);
      chmodSync(top, mode & 0o7777);
      utimesSync(top, atimeMs / 1000, mtimeMs / 1000);
    }
    this.mount('overlay', target, 'overlay', 0, options.join(','));
    return target;
  }

  onClose(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    for (const target of this.#mounts.reverse()) unmount(target, UmountFlag.MNT_DETACH);
    removeTree(this.path);
  }
}

function chmod(path: string, mode: number): string {
  chmodSync(path, mode);
  return path;
}
