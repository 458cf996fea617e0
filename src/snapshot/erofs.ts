// Layers without files: what comes as a tar stays one, and an index beside it is mounted as a file system (EROFS, decision 051). What
// steps write are directories, as in the overlay snapshotter, and both kinds lie upon each other. A layer is mounted on the folder in
// which its files would be, in the mount namespace of this process, when somebody first looks into it.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { adoptTar, LayerPacker, mountIndex, type PackedFiles, readLayer } from './erofs/index.ts';
import { type Applied, type DiffResult, diffTar } from './layer/index.ts';
import { OverlaySnapshotter } from './overlay.ts';
import type { LayerUnpacker, Mount } from './types.ts';

export class ErofsSnapshotter extends OverlaySnapshotter {
  override readonly driver = 'erofs';
  readonly #mounted = new Set<number>();

  override unpacker(id: number): LayerUnpacker {
    return new LayerPacker(this.#files(id), this.lowers(id), () => this.applier(id));
  }

  override adopt(id: number, tar: string): Applied | undefined {
    return adoptTar(tar, this.#files(id), this.lowers(id));
  }

  /**
   * To programs, all of it is one file system, as it is where layers are directories: with `xino`, devices become a part of inode numbers
   * (kernel, overlayfs.rst, "Inode properties"). Those are larger than a double can tell apart, so what this program looks into is without.
   */
  override mounts(id: number): Mount[] {
    return super
      .mounts(id)
      .map((m) => (m.type === 'overlay' && !m.options.includes('ro') ? { ...m, options: [...m.options, 'xino=on'] } : m));
  }

  override diff(id: number, sink: (chunk: Buffer) => void, latest?: bigint): DiffResult {
    if (!this.#isPacked(id)) return super.diff(id, sink, latest);
    // with other times, it is another tar
    return latest === undefined ? readLayer(this.#files(id).tar, sink) : diffTar(this.visible(id), this.lowers(id), sink, latest);
  }

  override storedSize(id: number): number {
    if (!this.#isPacked(id)) return super.storedSize(id);
    const [tar, index] = [statSync(this.#files(id).tar), statSync(this.#files(id).index)];
    // one with another name is a blob, which is counted as such
    return index.size + (tar.nlink > 1 ? 0 : tar.size);
  }

  override isWhole(id: number): boolean {
    const { tar, index } = this.#files(id);
    return super.isWhole(id) && existsSync(tar) === existsSync(index);
  }

  protected override visible(id: number): string {
    const directory = this.directory(id);
    if (!this.#mounted.has(id) && this.#isPacked(id)) {
      mountIndex(this.#files(id), directory);
      this.#mounted.add(id);
    }
    return directory;
  }

  #isPacked(id: number): boolean {
    return existsSync(this.#files(id).index);
  }

  #files(id: number): PackedFiles {
    return { tar: join(this.folder(id), 'layer.tar'), index: join(this.folder(id), 'layer.erofs') };
  }
}
