// Snapshots as whole copies, for machines that cannot mount overlays: slower and larger, and the same to everybody above. Where the
// file system can share blocks between files (Btrfs, XFS), a copy costs little.
import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { noSpaceError } from '../store/index.ts';
import { findExecutable } from '../sys/index.ts';
import { DirectorySnapshotter } from './base.ts';
import { diffCopy, type DiffResult, LayerApplier } from './layer/index.ts';
import type { Mount } from './types.ts';

export class CopySnapshotter extends DirectorySnapshotter {
  readonly driver = 'copy';

  protected fill(id: number, parent: number | null): void {
    const to = this.directory(id);
    if (parent !== null) copyTree(this.directory(parent), to);
    writeFileSync(this.#copied(id), String(tick(join(this.folder(id), 'tick'))));
  }

  protected settle(): void {}

  mounts(id: number): Mount[] {
    if (this.row(id).state === 'committed') return this.view(id);
    return [{ type: 'bind', source: this.directory(id), options: ['rw'] }];
  }

  view(id: number): Mount[] {
    return [{ type: 'bind', source: this.directory(id), options: ['ro'] }];
  }

  diff(id: number, sink: (chunk: Buffer) => void, latest?: bigint): DiffResult {
    const [parent] = this.parents(id);
    const copiedAt = Number(readFileSync(this.#copied(id), 'latin1'));
    return diffCopy(this.directory(id), { parent: parent === undefined ? undefined : this.directory(parent), copiedAt }, sink, latest);
  }

  applier(id: number): LayerApplier {
    return new LayerApplier(this.directory(id), { overlay: false });
  }

  folders(): Readonly<Record<string, string>> {
    return {};
  }

  /** The time of the file system when the copy was made, ms. */
  #copied(id: number): string {
    return join(this.folder(id), 'copied');
  }
}

/** All of it: owners, modes, times, links, devices, holes and extended attributes. */
function copyTree(from: string, to: string): void {
  const cp = findExecutable('cp');
  if (cp === undefined)
    throw new SlipwayError('failed-precondition', 'snapshot.no-cp', 'copying snapshots needs cp, which is not installed');
  const { status, stderr, error } = spawnSync(cp, ['-a', '--reflink=auto', '--sparse=auto', '--', `${from}/.`, to], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
  });
  if (status === 0) return;
  if (statfsSync(to).bavail === 0) throw noSpaceError(to, error);
  throw new SlipwayError('unavailable', 'snapshot.copy', `cannot copy a snapshot: ${error?.message ?? stderr.trim().split('\n').at(-1)}`, {
    cause: error,
  });
}

/**
 * The time that the file system gives to changes now, in ms, after which every change has a later one: its clock moves in steps
 * of some milliseconds (kernel, timekeeping: the coarse clock).
 */
function tick(path: string): number {
  writeFileSync(path, '');
  const now = statSync(path).ctimeMs;
  for (let at = now; at <= now; at = statSync(path).ctimeMs) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    writeFileSync(path, '');
  }
  return now;
}
