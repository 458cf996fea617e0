// SHA-256 in a thread of its own while this one reads and writes: for blobs of hundreds of megabytes the two together take as long as
// the slower alone. Chunks go through a ring in shared memory, so nothing is copied or posted, and callers stay synchronous.
import { Worker } from 'node:worker_threads';
import { createHash } from 'node:crypto';
import { SlipwayError } from '../../model/index.ts';

/** Bytes of a chunk. */
export const CHUNK = 1 << 20;
const SLOTS = 8;
/** A thread that takes nothing for so long (ms) is given up. */
const PATIENCE = 60_000;

// Words of the control block: chunks handed over, chunks hashed, digests made; then the length of each slot's chunk.
const PRODUCED = 0;
const CONSUMED = 1;
const LENGTHS = 3;

/** Takes chunks in buffers that it lends out itself. */
export interface ChunkHash {
  /** A free buffer of `CHUNK` bytes to fill. */
  next(): Buffer;
  /** Takes the first `length` bytes of the last buffer lent. They must not change until `next` lends the buffer again. */
  push(length: number): void;
  /** Hexadecimal digest of everything since the last one. */
  digest(): string;
}

/** In this thread, for what is too small to be worth another. */
export class LocalHash implements ChunkHash {
  private readonly buffer = Buffer.allocUnsafeSlow(CHUNK);
  private hash = createHash('sha256');

  next(): Buffer {
    return this.buffer;
  }

  push(length: number): void {
    this.hash.update(this.buffer.subarray(0, length));
  }

  digest(): string {
    const hex = this.hash.digest('hex');
    this.hash = createHash('sha256');
    return hex;
  }
}

export class ParallelHash implements ChunkHash {
  private readonly control = new Int32Array(new SharedArrayBuffer(4 * (LENGTHS + SLOTS)));
  private readonly ring = Buffer.from(new SharedArrayBuffer(CHUNK * SLOTS));
  private readonly result = Buffer.from(new SharedArrayBuffer(32));
  private readonly worker: Worker;
  private produced = 0;

  constructor() {
    const workerData = { control: this.control, ring: this.ring.buffer, result: this.result.buffer, chunk: CHUNK, slots: SLOTS };
    // As text, because a bundle has no file for it; the function uses nothing from outside of itself.
    this.worker = new Worker(`(${hashLoop.toString()})()`, { eval: true, workerData });
    this.worker.unref();
    // Failing to start shows as a timeout in `wait`; without a listener it would end the process instead.
    this.worker.on('error', () => {});
  }

  next(): Buffer {
    this.wait(this.produced - SLOTS);
    const slot = this.produced % SLOTS;
    return this.ring.subarray(slot * CHUNK, (slot + 1) * CHUNK);
  }

  push(length: number): void {
    if (length > 0) this.hand(length);
  }

  digest(): string {
    this.wait(this.produced - SLOTS);
    this.hand(0);
    this.wait(this.produced - 1);
    return this.result.toString('hex');
  }

  /** Ends the thread. */
  close(): void {
    void this.worker.terminate();
  }

  private hand(length: number): void {
    this.control[LENGTHS + (this.produced % SLOTS)] = length;
    this.produced++;
    Atomics.store(this.control, PRODUCED, this.produced);
    Atomics.notify(this.control, PRODUCED);
  }

  /** Waits until more than `count` chunks are hashed. */
  private wait(count: number): void {
    for (;;) {
      const consumed = Atomics.load(this.control, CONSUMED);
      if (consumed > count) return;
      if (Atomics.wait(this.control, CONSUMED, consumed, PATIENCE) === 'timed-out') {
        throw new SlipwayError('internal', 'archive.hash-thread', 'the thread that computes digests does not answer');
      }
    }
  }
}

/** What the thread runs: hashes each chunk that appears, and for a chunk of length 0 leaves the digest and begins anew. */
function hashLoop(): void {
  const { workerData } = process.getBuiltinModule('node:worker_threads');
  const crypto = process.getBuiltinModule('node:crypto');
  const { control, ring, result, chunk, slots } = workerData as {
    control: Int32Array;
    ring: SharedArrayBuffer;
    result: SharedArrayBuffer;
    chunk: number;
    slots: number;
  };
  let hash = crypto.createHash('sha256');
  for (let done = 0; ;) {
    Atomics.wait(control, 0, done);
    const ready = Atomics.load(control, 0);
    while (done < ready) {
      const slot = done % slots;
      const length = control[3 + slot]!;
      if (length > 0) hash.update(new Uint8Array(ring, slot * chunk, length));
      else {
        new Uint8Array(result).set(hash.digest());
        hash = crypto.createHash('sha256');
      }
      done++;
      Atomics.store(control, 1, done);
      Atomics.notify(control, 1);
    }
  }
}
