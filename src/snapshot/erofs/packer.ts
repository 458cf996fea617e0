// Takes the tar of a layer as it comes, and keeps it so: no file is made.
import { TarParser } from '../../archive/index.ts';
import type { Applied, LayerUnpacker } from '../layer/index.ts';
import type { PackedLayer } from './packed-layer.ts';

export class LayerPacker implements LayerUnpacker {
  readonly #layer: PackedLayer;
  readonly #parser: TarParser;

  constructor(layer: PackedLayer) {
    this.#layer = layer;
    this.#parser = new TarParser({ entry: (entry) => layer.entry(entry, this.#parser.offset), data: () => {}, end: () => {} });
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk);
    this.#layer.bytes(chunk);
  }

  finish(): Applied {
    this.#parser.finish();
    return this.#layer.finish();
  }

  abort(): void {
    this.#layer.abort();
  }
}
