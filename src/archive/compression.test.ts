import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { isSlipwayError } from '../model/index.ts';
import { compressor, decompressor, detectCompression } from './compression.ts';
import type { Compression } from './compression.ts';
import { toolStream } from './tool-stream.ts';

const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i * 7}`).join(','));

async function through(input: Buffer, stream: Duplex): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(input.length / 65_536) }, (_, i) => input.subarray(i * 65_536, (i + 1) * 65_536));
  return await pipeline(Readable.from(pieces), stream, async (source: AsyncIterable<Buffer>) => await buffer(source));
}

for (const kind of ['none', 'gzip', 'zstd', 'bzip2', 'xz'] satisfies Compression[]) {
  const tool = kind === 'bzip2' || kind === 'xz' ? kind : undefined;
  const skip = tool !== undefined && spawnSync(tool, ['--version']).error !== undefined ? `${tool} is not installed` : false;
  test(`${kind}: detected, and the same after a round trip`, { skip }, async () => {
    const packed = await through(content, compressor(kind));
    assert.equal(detectCompression(packed), kind);
    assert.deepEqual(await through(packed, decompressor(kind)), content);
    assert.deepEqual(await through(content, compressor(kind)), packed);
  });
  if (kind === 'none') continue;
  test(`${kind}: damage and truncation are typed errors`, { skip }, async () => {
    const packed = await through(content, compressor(kind));
    const damaged = Buffer.from(packed);
    damaged.fill(0x55, packed.length >> 1, (packed.length >> 1) + 200);
    for (const broken of [damaged, packed.subarray(0, packed.length >> 1)]) {
      await assert.rejects(through(broken, decompressor(kind)), (error) => isSlipwayError(error) && error.code === 'archive.compression');
    }
  });
}

test('detection needs the magic number, and nothing else', () => {
  assert.equal(detectCompression(Buffer.alloc(0)), 'none');
  assert.equal(detectCompression(Buffer.from([0x1f])), 'none');
  assert.equal(detectCompression(Buffer.from([0x53, 0x2a, 0x4d, 0x18])), 'zstd');
});

test('a missing tool is named', async () => {
  await assert.rejects(
    through(content, toolStream('no-such-tool-anywhere', [])),
    (error) => isSlipwayError(error) && error.code === 'archive.tool-missing',
  );
});
