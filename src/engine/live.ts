// Builds of other processes while they run: what happens in them, and an end to them before their time.
import { closeSync, openSync, readSync, watch } from 'node:fs';
import { basename } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { SlipwayError } from '../model/index.ts';
import { deferred } from '../util/index.ts';
import type { Engine } from './engine.ts';

/** Bytes that are read at once. */
const PIECE = 1 << 20;
/** ms after which the process of a build is looked for: the end of one that is killed is reported by nobody. */
const LOOK_AGAIN = 1000;

/**
 * What has happened in a running build, and then what happens, until it ends: lines of JSON, each a `LiveEvent`. Nothing when it has
 * ended, for then it is on record.
 * @throws SlipwayError `build.no-record`; the signal's reason
 */
export async function* followBuild(engine: Engine, text: string, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const { BuildRecords, liveFile } = await import('../builder/index.ts');
  const records = new BuildRecords(engine.db);
  const { ref } = records.find(text);
  const path = liveFile(engine.layout.liveBuilds, ref);
  let changed = deferred<void>();
  const wake = (): void => changed.resolve();
  const watcher = watch(engine.layout.liveBuilds, (_, name) => {
    if (name === null || name === basename(path)) wake();
  });
  watcher.on('error', wake); // the timer goes on
  signal.addEventListener('abort', wake);
  const tail = new Tail(path);
  try {
    for (;;) {
      signal.throwIfAborted();
      changed = deferred<void>();
      // before reading: what was written until then is read
      const running = records.isRunning(ref);
      for (let lines = tail.read(); lines.length > 0; lines = tail.read()) yield lines;
      if (!running) return;
      const timer = setTimeout(wake, LOOK_AGAIN);
      await changed.promise;
      clearTimeout(timer);
    }
  } finally {
    tail.close();
    watcher.close();
    signal.removeEventListener('abort', wake);
  }
}

/** Whole lines of a file that grows. Once open it is read to its end, though it has lost its name. */
class Tail {
  readonly #path: string;
  readonly #decoder = new StringDecoder('utf8');
  #fd: number | undefined;
  #begun = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Empty at its end. */
  read(): string[] {
    if (this.#fd === undefined && !this.#open()) return [];
    const piece = Buffer.allocUnsafe(PIECE);
    for (;;) {
      const size = readSync(this.#fd!, piece);
      if (size === 0) return [];
      const lines = `${this.#begun}${this.#decoder.write(piece.subarray(0, size))}`.split('\n');
      this.#begun = lines.pop() ?? '';
      if (lines.length > 0) return lines;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): boolean {
    try {
      this.#fd = openSync(this.#path, 'r');
      return true;
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw e;
    }
  }
}

/**
 * Asks the process of a running build to end it, as Ctrl-C would.
 * @throws SlipwayError `build.no-record`; failed-precondition `build.not-running`
 */
export async function cancelBuild(engine: Engine, text: string): Promise<void> {
  const { BuildRecords } = await import('../builder/index.ts');
  const { ref, status, owner } = new BuildRecords(engine.db).find(text);
  const pid = Number.parseInt(owner ?? '', 10);
  const ended = (): SlipwayError =>
    new SlipwayError('failed-precondition', 'build.not-running', `build ${ref} has ended: its status is ${status}`);
  if (status !== 'running' || !(pid > 0)) throw ended();
  try {
    process.kill(pid, 'SIGINT');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ESRCH') throw ended();
    throw e;
  }
}
