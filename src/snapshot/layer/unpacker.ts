// A layer given as its tar instead of entry by entry.
import { type TarHandler, TarParser } from '../../archive/index.ts';
import type { Applied, LayerApplier } from './applier.ts';

/** Takes the tar of a layer. After an error or `abort`, what it was brought into is to be removed. */
export interface LayerUnpacker {
  /** The next bytes, uncompressed; not kept. @throws as `LayerApplier` does */
  write(chunk: Buffer): void;
  finish(): Applied;
  /** Closes what is open; harmless after `finish`. */
  abort(): void;
}

/** @param entries takes them on their way to the applier */
export function tarUnpacker(applier: LayerApplier, entries: TarHandler = applier): LayerUnpacker {
  const parser = new TarParser(entries);
  return {
    write: (chunk) => parser.write(chunk),
    finish() {
      parser.finish();
      return applier.finish();
    },
    abort: () => applier.abort(),
  };
}
