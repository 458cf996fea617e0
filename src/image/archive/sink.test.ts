import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSink } from './sink.ts';

test('giving up after a file could not get its name hides nothing, and closes nothing that is not its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-sink-'));
  try {
    const path = join(folder, 'archive.tar');
    const sink = await openSink(path);
    sink.write(Buffer.from('x'));
    mkdirSync(join(path, 'in the way'), { recursive: true });
    await assert.rejects(sink.finish(), { code: 'EISDIR' });
    const other = openSync(folder, 'r'); // the number of the descriptor that is closed already
    sink.abort();
    fstatSync(other);
    closeSync(other);
    assert.deepEqual(readdirSync(folder), ['archive.tar']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
