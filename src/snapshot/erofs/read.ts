// The tar of a packed layer, just as it came.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { contentBytes, readTarIndex } from '../../archive/index.ts';
import type { DiffResult } from '../layer/index.ts';

const READ_BYTES = 4 << 20;

/** @param sink gets chunks that are valid only during the call */
export function readLayer(tar: string, sink: (chunk: Buffer) => void): DiffResult {
  let files = 0;
  let content = 0;
  for (const { entry } of readTarIndex(tar)) {
    files++;
    content += contentBytes(entry);
  }
  const fd = openSync(tar, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let n; (n = readSync(fd, buffer)) > 0;) sink(buffer.subarray(0, n));
    return { size: fstatSync(fd).size, files, content };
  } finally {
    closeSync(fd);
  }
}
