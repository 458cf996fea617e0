// A layer that is kept as its tar: bytes and entries as they come, and in the end an index of them. What an index cannot tell (see
// `NeedsUnpacking`) is unpacked, from the tar that was kept.
import fs from 'node:fs';
import { type TarEntry, TarParser } from '../../archive/index.ts';
import { listNames } from '../../sys/index.ts';
import type { Applied, LayerApplier } from '../layer/index.ts';
import { layerError } from '../layer/errors.ts';
import { writeIndex } from './index-writer.ts';
import { LayerTree, NeedsUnpacking } from './tree.ts';

const READ_BYTES = 4 << 20;
const NOTHING = Buffer.alloc(1 << 20);

export interface PackedFiles {
  readonly tar: string;
  readonly index: string;
}

export class PackedLayer {
  readonly #files: PackedFiles;
  readonly #unpack: () => LayerApplier;
  readonly #tar: number;
  /** Undefined once it is known that the layer has to be unpacked. */
  #tree: LayerTree | undefined;
  #size = 0;
  #path = '';
  #closed = false;

  /**
   * @param lowers directories of the layers below, topmost first
   * @param unpack gives what unpacks a layer that cannot be indexed
   */
  constructor(files: PackedFiles, lowers: readonly string[], unpack: () => LayerApplier) {
    this.#files = files;
    this.#unpack = unpack;
    this.#tree = new LayerTree(lowers);
    this.#tar = fs.openSync(files.tar, 'wx+', 0o600);
  }

  /** The next bytes of the tar. Zeros by the mebibyte are holes in the file that is kept. */
  bytes(chunk: Buffer): void {
    try {
      if (chunk.length !== NOTHING.length || !chunk.equals(NOTHING))
        for (let at = 0; at < chunk.length;) at += fs.writeSync(this.#tar, chunk, at, chunk.length - at, this.#size + at);
    } catch (error) {
      throw layerError(error, this.#path);
    }
    this.#size += chunk.length;
  }

  /** The next entry, whose bytes begin at `offset` of the tar. */
  entry(entry: TarEntry, offset: number): void {
    this.#path = entry.path;
    try {
      this.#tree?.add(entry, offset);
    } catch (error) {
      if (!(error instanceof NeedsUnpacking)) throw layerError(error, entry.path);
      this.#tree = undefined;
    }
  }

  /** @throws SlipwayError `layer.*` */
  finish(): Applied {
    const tree = this.#tree;
    if (tree === undefined) return this.#unpackKept();
    try {
      fs.ftruncateSync(this.#tar, this.#size);
      fs.writeFileSync(this.#files.index, writeIndex(tree.finish(listNames), this.#size), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw layerError(error, this.#path);
    }
    this.#close();
    return { files: tree.files, size: tree.size };
  }

  #unpackKept(): Applied {
    const applier = this.#unpack();
    try {
      const parser = new TarParser(applier);
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (let at = 0, n; (n = fs.readSync(this.#tar, buffer, 0, READ_BYTES, at)) > 0; at += n) parser.write(buffer.subarray(0, n));
      parser.finish();
      const applied = applier.finish();
      this.abort();
      return applied;
    } catch (error) {
      applier.abort();
      throw error;
    }
  }

  /** Harmless after `finish` has thrown; what is kept is removed. */
  abort(): void {
    this.#close();
    for (const path of Object.values(this.#files)) fs.rmSync(path, { force: true });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.#tar);
  }
}
