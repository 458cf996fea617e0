// Logs of containers, in the form that conmon writes and CRI defines: `TIME STREAM F|P text`, where P marks a piece of a line
// that goes on. Writing for foreground containers; reading with tail, times and following for all.
import { closeSync, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 in UTC, with nanoseconds. */
  readonly time: string;
  /** With its line feed, unless it is a piece of a line. */
  readonly data: Buffer;
}

export interface ReadLogsOptions {
  /** Only so many last lines. */
  readonly tail?: number;
  /** ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Goes on as long as `stillRunning` says so. */
  readonly follow?: boolean;
  readonly stillRunning?: () => boolean;
  readonly signal?: AbortSignal;
}

const CHUNK = 64 << 10;
const NEWLINE = 10;
/** ms between two looks at a file that is followed. */
const POLL = 50;

/** Writes a foreground container's output into its log. */
export class LogWriter {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600);
  }

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const head = `${now()} ${stream} `;
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length;) {
      const end = chunk.indexOf(NEWLINE, at);
      const whole = end >= 0;
      parts.push(Buffer.from(`${head}${whole ? 'F' : 'P'} `), chunk.subarray(at, whole ? end : chunk.length), Buffer.from('\n'));
      at = whole ? end + 1 : chunk.length;
    }
    const data = Buffer.concat(parts);
    for (let at = 0; at < data.length;) at += writeSync(this.#fd, data, at);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The time as conmon writes it. */
function now(): string {
  const t = new Date();
  return `${t.toISOString().slice(0, -1)}000000+00:00`;
}

/** Lines of a log as they were written; nothing when there is no log. */
export async function* readLogs(path: string, o: ReadLogsOptions = {}): AsyncGenerator<LogLine> {
  let fd: number | undefined;
  let position = 0;
  let begun = false;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      // asked before reading: what was written before the end is still read
      const last = !o.follow || o.stillRunning?.() === false;
      const replaced = fd !== undefined && isReplaced(path, fd);
      fd ??= open(path);
      if (fd !== undefined) {
        if (!begun && o.tail !== undefined) position = tailStart(fd, o.tail);
        begun = true;
        const buffer = Buffer.allocUnsafe(CHUNK);
        for (let n; (n = readSync(fd, buffer, 0, CHUNK, position)) > 0; position += n) {
          rest = Buffer.concat([rest, buffer.subarray(0, n)]);
          for (let end; (end = rest.indexOf(NEWLINE)) >= 0; rest = rest.subarray(end + 1)) {
            const line = parseLine(rest.subarray(0, end));
            if (line && inTime(line, o)) yield line;
          }
        }
      }
      if (replaced && fd !== undefined) {
        // it had reached its limit, and begins again
        closeSync(fd);
        [fd, position, rest] = [undefined, 0, Buffer.alloc(0)];
        continue;
      }
      if (last) return;
      await sleep(POLL, undefined, o.signal ? { signal: o.signal } : {});
    }
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
}

function isReplaced(path: string, fd: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return now !== undefined && now.ino !== fstatSync(fd).ino;
}

/** Where the last `lines` lines begin, found from the end without reading what is before them. */
function tailStart(fd: number, lines: number): number {
  const { size } = fstatSync(fd);
  if (lines === 0) return size;
  let at = size;
  let found = 0;
  const buffer = Buffer.allocUnsafe(CHUNK);
  while (at > 0) {
    const from = Math.max(0, at - CHUNK);
    const n = readSync(fd, buffer, 0, at - from, from);
    for (let i = n - 1; i >= 0; i--) {
      // the line feed at the very end begins nothing
      if (buffer[i] === NEWLINE && from + i + 1 < size && isWhole(buffer, i) && ++found >= lines) return from + i + 1;
    }
    at = from;
  }
  return 0;
}

/** Pieces of a line count with the line. A piece that is cut by the chunk is taken for whole. */
function isWhole(buffer: Buffer, end: number): boolean {
  const begin = buffer.lastIndexOf(NEWLINE, end - 1) + 1;
  const head = buffer.toString('latin1', begin, Math.min(end, begin + 60)).split(' ', 3);
  return head[2] !== 'P';
}

function parseLine(line: Buffer): LogLine | undefined {
  const a = line.indexOf(0x20);
  const b = line.indexOf(0x20, a + 1);
  const c = line.indexOf(0x20, b + 1);
  if (a < 0 || b < 0) return undefined;
  const stream = line.toString('latin1', a + 1, b);
  const flag = line.toString('latin1', b + 1, c < 0 ? line.length : c);
  const text = c < 0 ? Buffer.alloc(0) : line.subarray(c + 1);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  return {
    stream,
    time: inUtc(line.toString('latin1', 0, a)),
    data: flag === 'P' ? Buffer.from(text) : Buffer.concat([text, Buffer.from('\n')]),
  };
}

/** conmon writes the time of its zone, with the distance from UTC behind it; what is no such time stays as it is. */
function inUtc(time: string): string {
  const [, seconds, fraction = '', zone = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d:\d\d)$/.exec(time) ?? [];
  if (seconds === undefined) return time;
  const utc = /^[+-]00:00$/.test(zone) ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
}

function inTime(line: LogLine, o: ReadLogsOptions): boolean {
  if (o.since === undefined && o.until === undefined) return true;
  const at = Date.parse(line.time);
  return !(o.since !== undefined && at < o.since) && !(o.until !== undefined && at > o.until);
}
