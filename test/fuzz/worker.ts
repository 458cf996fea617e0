// The thread that tries inputs. It writes the seed of the input in work to shared memory, so that the watching thread knows what hangs.
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from './grammar.ts';
import { overMemory, type Target } from './target.ts';

export interface Work {
  readonly name: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** Bytes that may lie outside the heap, in buffers, which no limit of a thread counts. */
  readonly most: number;
  /** Two integers: the number of inputs tried, and the seed of the one in work. */
  readonly shared: SharedArrayBuffer;
}

const { name, seed, milliseconds, most, shared } = workerData as Work;
const progress = new Int32Array(shared);
const { target } = (await import(`./targets/${name}.ts`)) as { target: Target };
const seeds = new Random(seed);
const end = performance.now() + milliseconds;
let failure: unknown;
do {
  const one = seeds.below(2 ** 31);
  Atomics.store(progress, 1, one);
  Atomics.add(progress, 0, 1);
  const r = new Random(one);
  try {
    await target.attempt(target.make(r), r);
    const outside = getHeapStatistics().external_memory;
    if (outside > most) failure = overMemory(outside);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : error;
  }
} while (failure === undefined && performance.now() < end);
parentPort?.postMessage({ failure: failure === undefined ? undefined : String(failure) });
