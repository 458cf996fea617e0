// Snapshots as overlayfs directories: a snapshot's own directory is the upper one while it is written and a lower one
// afterwards, so that a commit copies nothing and a layer is exactly what is in that directory.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DirectorySnapshotter } from './base.ts';
import { type DiffResult, diffTar, LayerApplier } from './layer/index.ts';
import { escaped } from './mount.ts';
import type { Mount } from './types.ts';

/**
 * As Docker mounts: renamed directories are copied (EXDEV to the program) and no file is shared by metadata alone, so that an
 * upper directory is complete in itself.
 */
const OPTIONS = ['index=off', 'redirect_dir=off', 'metacopy=off'];

const joined = (paths: readonly string[]): string => paths.map(escaped).join(':');

export class OverlaySnapshotter extends DirectorySnapshotter {
  readonly driver: 'overlay' | 'erofs' = 'overlay';

  protected fill(id: number): void {
    mkdirSync(this.#work(id), { mode: 0o700 });
  }

  protected settle(id: number): void {
    rmSync(this.#work(id), { recursive: true, force: true });
  }

  mounts(id: number): Mount[] {
    if (this.row(id).state === 'committed') return this.view(id);
    const lowers = this.lowers(id);
    if (lowers.length === 0) return [{ type: 'bind', source: this.directory(id), options: ['rw'] }];
    return [
      {
        type: 'overlay',
        source: 'overlay',
        options: [
          `lowerdir=${joined(lowers)}`,
          `upperdir=${escaped(this.directory(id))}`,
          `workdir=${escaped(this.#work(id))}`,
          ...OPTIONS,
        ],
      },
    ];
  }

  view(id: number): Mount[] {
    const lowers = [this.visible(id), ...this.lowers(id)];
    // an overlay wants two lower directories when it has no upper one
    if (lowers.length === 1) return [{ type: 'bind', source: lowers[0]!, options: ['ro'] }];
    return [{ type: 'overlay', source: 'overlay', options: ['ro', `lowerdir=${joined(lowers)}`, ...OPTIONS] }];
  }

  diff(id: number, sink: (chunk: Buffer) => void, latest?: bigint): DiffResult {
    return diffTar(this.directory(id), this.lowers(id), sink, { latest });
  }

  applier(id: number): LayerApplier {
    return new LayerApplier(this.directory(id), { overlay: true, lowers: this.lowers(id) });
  }

  folders(id: number): Readonly<Record<string, string>> {
    const LowerDir = this.parents(id)
      .map((parent) => this.directory(parent))
      .join(':');
    return { ...(LowerDir !== '' && { LowerDir }), UpperDir: this.directory(id), WorkDir: this.#work(id) };
  }

  #work(id: number): string {
    return join(this.folder(id), 'work');
  }

  /** The directories of its ancestors, topmost first, in which their files can be seen. */
  protected lowers(id: number): string[] {
    return this.parents(id).map((parent) => this.visible(parent));
  }

  /** The directory of a snapshot, with its files in it. */
  protected visible(id: number): string {
    return this.directory(id);
  }
}
