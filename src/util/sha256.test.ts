import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sha256Hex } from './sha256.ts';

test('the digests of node:crypto, for every length around the blocks', () => {
  for (const length of [...Array.from({ length: 200 }, (_, i) => i), 1000, 16383, 16384, 16385, 40000]) {
    const bytes = randomBytes(length);
    assert.equal(sha256Hex(bytes), createHash('sha256').update(bytes).digest('hex'), `${length} bytes`);
  }
  assert.equal(sha256Hex('€ und ü'), createHash('sha256').update('€ und ü').digest('hex'));
  assert.equal(sha256Hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
