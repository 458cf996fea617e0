// One regular file at a time: created exclusively, written, then given its owner, mode, attributes and time with as few system calls
// as its values allow.
import fs from 'node:fs';
import type { Extent, TarEntry } from '../../archive/index.ts';
import { type Directory, futimesNs } from '../../sys/index.ts';
import { applyXattrs, clampTime, currentUmask } from './attributes.ts';

const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
const NEW_FILE = O_CREAT | O_EXCL | O_WRONLY;
const SECOND = 1_000_000_000n;

export class FileWriter {
  private readonly umask = currentUmask();
  private fd = -1;
  private entry: TarEntry | undefined;
  private chown = false;
  /** Where the next stored byte goes; only sparse files ever jump. */
  private extents: readonly Extent[] | undefined;
  private extent = 0;
  private within = 0;

  get open(): boolean {
    return this.fd >= 0;
  }

  /** Creates the file; where the name is taken, `makeWay` frees it first. */
  create(parent: Directory, name: string, entry: TarEntry, makeWay?: () => void): void {
    try {
      this.fd = parent.open(name, NEW_FILE, entry.mode & 0o777);
    } catch (error) {
      if (makeWay === undefined || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      makeWay();
      this.fd = parent.open(name, NEW_FILE, entry.mode & 0o777);
    }
    this.entry = entry;
    this.chown = entry.uid !== 0 || entry.gid !== 0 || parent.setgid;
    this.extents = entry.sparse;
    this.extent = 0;
    this.within = 0;
    if (entry.sparse !== undefined) fs.ftruncateSync(this.fd, entry.size);
  }

  write(chunk: Buffer): void {
    if (this.extents === undefined) {
      writeAll(this.fd, chunk, null);
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const { offset, length } = this.extents[this.extent]!;
      const n = Math.min(length - this.within, chunk.length - at);
      writeAll(this.fd, chunk.subarray(at, at + n), offset + this.within);
      at += n;
      this.within += n;
      if (this.within === length) {
        this.extent++;
        this.within = 0;
      }
    }
  }

  /** Closes the file in its final state. */
  finish(): void {
    const entry = this.entry!;
    if (this.chown) fs.fchownSync(this.fd, entry.uid, entry.gid);
    // After the owner: changing that clears the set-id bits and capabilities.
    if ((entry.mode & (this.umask | 0o7000)) !== 0) fs.fchmodSync(this.fd, entry.mode);
    if (entry.xattrs !== undefined) applyXattrs(this.fd, entry.xattrs);
    const time = clampTime(entry.mtimeNs);
    // Node takes times before 1970 for the present
    const whole = time % SECOND === 0n && time >= 0n;
    if (whole) {
      const seconds = Number(time / SECOND);
      fs.futimesSync(this.fd, seconds, seconds);
    } else futimesNs(this.fd, time, time);
    this.close();
  }

  abort(): void {
    if (this.fd >= 0) this.close();
  }

  private close(): void {
    const fd = this.fd;
    this.fd = -1;
    fs.closeSync(fd);
  }
}

function writeAll(fd: number, chunk: Buffer, position: number | null): void {
  let done = fs.writeSync(fd, chunk, 0, chunk.length, position);
  while (done < chunk.length) done += fs.writeSync(fd, chunk, done, chunk.length - done, position === null ? null : position + done);
}
