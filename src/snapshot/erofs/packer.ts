// Takes the tar of a layer as it comes and keeps it as it is, beside an index of what is in it: no file is made. What an index cannot
// tell (see `NeedsUnpacking`) is unpacked, from the tar that was kept.
import fs from 'node:fs';
import { type TarHandler, TarParser } from '../../archive/index.ts';
import { listNames } from '../../sys/index.ts';
import type { Applied, LayerApplier } from '../layer/index.ts';
import { layerError } from '../layer/errors.ts';
import type { LayerUnpacker } from '../types.ts';
import { writeIndex } from './index-writer.ts';
import { LayerTree, NeedsUnpacking } from './tree.ts';

const READ_BYTES = 4 << 20;

export interface PackedFiles {
  readonly tar: string;
  readonly index: string;
}

export class LayerPacker implements LayerUnpacker {
  readonly #files: PackedFiles;
  readonly #unpack: () => LayerApplier;
  readonly #tar: number;
  readonly #parser: TarParser;
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
    this.#parser = new TarParser({ entry: (entry) => this.#entry(entry), data: () => {}, end: () => {} });
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk);
    try {
      for (let at = 0; at < chunk.length;) at += fs.writeSync(this.#tar, chunk, at);
    } catch (error) {
      throw layerError(error, this.#path);
    }
    this.#size += chunk.length;
  }

  #entry(entry: Parameters<TarHandler['entry']>[0]): void {
    this.#path = entry.path;
    try {
      this.#tree?.add(entry, this.#parser.offset);
    } catch (error) {
      if (!(error instanceof NeedsUnpacking)) throw layerError(error, entry.path);
      this.#tree = undefined;
    }
  }

  finish(): Applied {
    this.#parser.finish();
    const tree = this.#tree;
    if (tree === undefined) return this.#unpackKept();
    const index = writeIndex(tree.finish(listNames), this.#size);
    try {
      fs.writeFileSync(this.#files.index, index, { mode: 0o600, flag: 'wx' });
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
