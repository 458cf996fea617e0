// Opens what a user names as an archive. A named pipe must not block: the program answers signals while nobody writes to it.
import fs from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';

const CHUNK = 1 << 20;

/** An open regular file, or the stream that anything else gives. @throws SlipwayError `archive.not-a-file`; system errors */
export function openInput(path: string): { readonly fd: number } | { readonly stream: Readable } {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return { fd };
    if (stat.isFIFO()) return { stream: new Socket({ fd, readable: true, writable: false }) };
    if (!stat.isDirectory()) return { stream: fs.createReadStream('', { fd, highWaterMark: CHUNK }) };
    throw new SlipwayError('invalid-argument', 'archive.not-a-file', `${path} is a directory`);
  } catch (e) {
    fs.closeSync(fd);
    throw e;
  }
}

/** The whole of it as a stream. */
export function streamInput(path: string): Readable {
  const input = openInput(path);
  return 'stream' in input ? input.stream : fs.createReadStream('', { fd: input.fd, start: 0, highWaterMark: CHUNK });
}
