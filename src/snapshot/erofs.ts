// Layers without files: what comes as a tar stays one, and an index beside it is mounted as a file system (EROFS, decision 051). What
// steps write are directories, as in the overlay snapshotter, and both kinds lie upon each other. A layer is mounted on the folder in
// which its files would be, in the mount namespace of this process, when somebody first looks into it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../model/index.ts';
import { leaveMount, removeTree } from '../sys/index.ts';
import { throwAfter } from '../util/index.ts';
import { adoptTar, LayerPacker, mountIndex, PackedLayer, type PackedFiles, readLayer } from './erofs/index.ts';
import { type Applied, type DiffResult, diffTar, type Graft, type LayerUnpacker } from './layer/index.ts';
import { OverlaySnapshotter } from './overlay.ts';
import type { Holder, LayerLabels, Mount, Snapshot } from './types.ts';

export class ErofsSnapshotter extends OverlaySnapshotter {
  override readonly driver = 'erofs';
  readonly #mounted = new Set<number>();
  /** Active snapshots that are tars already. */
  readonly #packed = new Map<number, DiffResult & { readonly diffId: Digest }>();

  override unpacker(id: number): LayerUnpacker {
    return new LayerPacker(this.#layer(id));
  }

  pack(id: number, graft: Graft): void {
    const layer = this.#layer(id);
    const hash = createHash('sha256');
    const write = (chunk: Buffer): void => {
      hash.update(chunk);
      layer.bytes(chunk);
    };
    try {
      const made = diffTar(this.directory(id), this.lowers(id), write, { graft, onEntry: (entry, offset) => layer.entry(entry, offset) });
      layer.finish();
      if (this.#isPacked(id)) this.#packed.set(id, { ...made, diffId: `sha256:${hash.digest('hex')}` });
    } catch (e) {
      throwAfter(e, () => layer.abort());
    }
  }

  override commit(id: number, holder: Holder, labels: LayerLabels = {}): Snapshot {
    const packed = this.#packed.get(id);
    return super.commit(id, holder, packed === undefined ? labels : { diffId: packed.diffId, size: packed.content, ...labels });
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
    return latest === undefined ? readLayer(this.#files(id).tar, sink) : diffTar(this.visible(id), this.lowers(id), sink, { latest });
  }

  override tarSize(id: number): number | undefined {
    return this.#isPacked(id) ? statSync(this.#files(id).tar).size : undefined;
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

  override close(): void {
    for (const id of this.#mounted) leaveMount(this.directory(id));
    this.#mounted.clear();
  }

  protected override visible(id: number): string {
    const directory = this.directory(id);
    if (!this.#mounted.has(id) && this.#isPacked(id)) {
      mountIndex(this.#files(id), directory);
      this.#mounted.add(id);
    }
    return directory;
  }

  /** What was written on the way to the tar is not needed, and would only lie below the mount. */
  protected override settle(id: number): void {
    super.settle(id);
    if (!this.#packed.delete(id)) return;
    removeTree(this.directory(id));
    mkdirSync(this.directory(id), { mode: 0o755 });
  }

  #layer(id: number): PackedLayer {
    return new PackedLayer(this.#files(id), this.lowers(id), () => this.applier(id));
  }

  #isPacked(id: number): boolean {
    return existsSync(this.#files(id).index);
  }

  #files(id: number): PackedFiles {
    return { tar: join(this.folder(id), 'layer.tar'), index: join(this.folder(id), 'layer.erofs') };
  }
}
