import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ParallelGzip } from './parallel-gzip.ts';

async function gzip(input: Buffer, jobs: number, step: number): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(input.length / step) }, (_, i) => input.subarray(i * step, (i + 1) * step));
  return Buffer.concat(await Array.fromAsync(Readable.from(pieces).pipe(new ParallelGzip(6, jobs)) as AsyncIterable<Buffer>));
}

const text = Buffer.from(Array.from({ length: 400_000 }, (_, i) => `line ${i % 977} of ${i * 7}\n`).join(''));

test('what is compressed side by side is one gzip member that every reader reads', async () => {
  for (const input of [Buffer.alloc(0), Buffer.from('x'), text, Buffer.alloc(3 << 20)]) {
    const packed = await gzip(input, 4, 100_000);
    assert.ok(gunzipSync(packed).equals(input));
    const tool = spawnSync('gzip', ['-dc'], { input: packed, maxBuffer: 1 << 28 });
    assert.equal(tool.status, 0, tool.stderr.toString());
    assert.ok(tool.stdout.equals(input));
  }
});

test('the bytes depend on the input alone', async () => {
  const one = await gzip(text, 1, 1000);
  assert.ok(one.equals(await gzip(text, 8, 1 << 21)));
});
