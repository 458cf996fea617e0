// Compression around a tar: which one it is, by its first bytes, and streams that undo or do it. gzip and zstd are Node's own;
// bzip2 and xz, which only old archives use, run the system's tool as a child process.
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress, constants } from 'node:zlib';
import { PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { SlipwayError } from '../model/index.ts';
import { brokenCompression, tooMuch } from './errors.ts';
import { unpackLimit } from './limits.ts';
import { toolStream } from './tool-stream.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** So many first bytes are enough for `detectCompression`. */
export const MAGIC_LENGTH = 6;
const CHUNK = 1 << 20;

/** Tells a compression by its magic number; 'none' for anything else. */
export function detectCompression(head: Buffer): Compression {
  const starts = (...bytes: number[]): boolean => head.length >= bytes.length && bytes.every((byte, i) => head[i] === byte);
  if (starts(0x1f, 0x8b, 0x08)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // Skippable frames may precede the first real one (RFC 8878, section 3.1.2).
  if (head.length >= 4 && (head[0]! & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return 'zstd';
  if (starts(0x42, 0x5a, 0x68)) return 'bzip2';
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  return 'none';
}

/**
 * A stream that turns compressed bytes into plain ones. Broken input fails it with `archive.compression`, and input that becomes
 * more than `unpackLimit` allows with `archive.too-large`.
 */
export function decompressor(compression: Compression): Duplex {
  return compression === 'none' ? new PassThrough() : bounded(openDecompressor(compression), compression);
}

function openDecompressor(compression: Exclude<Compression, 'none'>): Duplex & { readonly bytesWritten: number } {
  switch (compression) {
    case 'gzip':
      return withTypedErrors(createGunzip({ chunkSize: CHUNK }), 'gzip');
    case 'zstd':
      return withTypedErrors(createZstdDecompress({ chunkSize: CHUNK }), 'zstd');
    case 'bzip2':
      return toolStream('bzip2', ['-dc']);
    case 'xz':
      return toolStream('xz', ['-dc']);
  }
}

/** A stream that compresses. `level` is the format's own scale. gzip's header carries no time, so the output is deterministic. */
export function compressor(compression: Compression, level?: number): Duplex {
  switch (compression) {
    case 'none':
      return new PassThrough();
    case 'gzip':
      return createGzip({ chunkSize: CHUNK, ...(level === undefined ? {} : { level }) });
    case 'zstd':
      return createZstdCompress({
        chunkSize: CHUNK,
        params: { [constants.ZSTD_c_compressionLevel]: level ?? 3, [constants.ZSTD_c_checksumFlag]: 1 },
      });
    case 'bzip2':
      return toolStream('bzip2', ['-c', ...(level === undefined ? [] : [`-${level}`])]);
    case 'xz':
      return toolStream('xz', ['-c', ...(level === undefined ? [] : [`-${level}`])]);
  }
}

/** Ends a stream that gives too much for what it took. */
function bounded(stream: Duplex & { readonly bytesWritten: number }, name: string): Duplex {
  const push = stream.push.bind(stream);
  let given = 0;
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    given += Buffer.isBuffer(chunk) ? chunk.length : 0;
    if (given <= unpackLimit(stream.bytesWritten)) return push(chunk, encoding);
    stream.destroy(tooMuch(`the archive (${name})`));
    return false;
  };
  return stream;
}

/** Makes every failure of a stream of zlib carry our code, wherever it surfaces. */
function withTypedErrors<T extends Duplex>(stream: T, name: string): T {
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error?: Error | null) =>
    destroy(error == null || error instanceof SlipwayError || !isZlibError(error) ? (error ?? undefined) : brokenCompression(name, error));
  return stream;
}

function isZlibError(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_ZLIB_INITIALIZATION_FAILED';
}
