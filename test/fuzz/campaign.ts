// Tries one target for a while in a thread of its own: a crash, an untyped error, an input that takes over a second of processor time
// or needs over 256 MB of memory, in the heap or in buffers outside it, is a failure, which names the seed of its input.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Random } from './grammar.ts';
import { type Input, overMemory, type Target } from './target.ts';
import type { Work } from './worker.ts';

const HANG = 1_000;
const MEMORY_MB = 256;

/** One file each in `targets/`. */
export const TARGETS = readdirSync(new URL('targets/', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .sort();

export const loadTarget = async (name: string): Promise<Target> => ((await import(`./targets/${name}.ts`)) as { target: Target }).target;

export interface Outcome {
  readonly tried: number;
  readonly failure?: string;
}

/** Milliseconds of processor time; this thread only waits. */
function computed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** @param seed of the first input and all that follow it */
export async function tryTarget(name: string, seed: number, milliseconds: number): Promise<Outcome> {
  const shared = new SharedArrayBuffer(8);
  const progress = new Int32Array(shared);
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { name, seed, milliseconds, most: MEMORY_MB << 20, shared } satisfies Work,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 32 },
  });
  let last = -1;
  let busy = 0;
  let stopped: string | undefined;
  const stop = (why: string): void => {
    stopped ??= why;
    void worker.terminate();
  };
  // Measured by the time that the process computes, since a loaded machine may give it none.
  const watch = setInterval(() => {
    const now = Atomics.load(progress, 0);
    const used = computed();
    if (now !== last) [last, busy] = [now, used];
    else if (now > 0 && used - busy > HANG) stop(`over ${HANG} ms`);
    // What is not garbage yet when the input is done, the worker sees; this sees it meanwhile. Refused once the worker has ended.
    worker.getHeapStatistics().then(
      ({ external_memory: bytes }) => bytes > MEMORY_MB << 20 && stop(overMemory(bytes)),
      () => {},
    );
  }, 100);
  let failure: string | undefined;
  worker.on('message', (message: { failure?: string }) => (failure = message.failure));
  worker.on(
    'error',
    (error: NodeJS.ErrnoException) =>
      (failure = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? `over ${MEMORY_MB} MB of heap` : String(error)),
  );
  await once(worker, 'exit');
  clearInterval(watch);
  failure = stopped ?? failure;
  const tried = Atomics.load(progress, 0);
  return failure === undefined ? { tried } : { tried, failure: await report(name, Atomics.load(progress, 1), failure) };
}

async function report(name: string, seed: number, failure: string): Promise<string> {
  const input: Input = (await loadTarget(name)).make(new Random(seed));
  const shown = Buffer.from(input as Uint8Array);
  return `${name}: input of seed ${seed}: ${failure}\n${JSON.stringify(shown.toString('latin1').slice(0, 4_000))}\nkeep it in test/fuzz/kept.ts: ['${name}', '${shown.length < 4_000 ? shown.toString('base64') : '…'}']`;
}
