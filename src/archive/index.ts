// Tar archives and the compression around them: bytes in, entries out, and back. Nothing here knows a file system's semantics.
export type { EntryType, Extent, TarEntry } from './entry.ts';
export { storedSize } from './entry.ts';
export { nameTooLong } from './errors.ts';
export { decodeName, isUsablePath, nativePath } from '../sys/index.ts';
export { END_OF_ARCHIVE, encodeHeader, padding } from './encode.ts';
export { BLOCK } from './fields.ts';
export { looksLikeTar } from './header.ts';
export { TarParser } from './parser.ts';
export type { TarHandler } from './parser.ts';
export { contentBytes, ContentSize, contentSizeOf } from './content-size.ts';
export { readTarIndex } from './tar-index.ts';
export type { IndexedEntry } from './tar-index.ts';
export { setUnpackLimit, unpackLimit } from './limits.ts';
export { MAGIC_LENGTH, compressor, decompressor, detectCompression } from './compression.ts';
export { ParallelGzip } from './parallel-gzip.ts';
export type { Compression } from './compression.ts';
export { OPAQUE_WHITEOUT, WHITEOUT_META_PREFIX, WHITEOUT_PREFIX } from './whiteout.ts';
