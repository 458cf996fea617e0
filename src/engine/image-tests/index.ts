// `slipway test`: whether an image is what a file of tests says.
import type { Image } from '../../image/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import { withMounted } from '../../snapshot/index.ts';
import { heldImage } from '../contents/index.ts';
import type { Engine } from '../engine.ts';
import { viewOf } from '../outputs.ts';
import { commandProblems } from './commands.ts';
import { fileProblems, setuidProblems } from './files.ts';
import { entryProblems, limitProblems, memberProblems, packageProblems, settingProblems } from './settings.ts';
import type { ImageTest, TestReport, TestResult } from './types.ts';

export { parseImageTests } from './read.ts';
export type { ImageTest, TestReport, TestResult } from './types.ts';

export interface TestOptions {
  readonly signal: AbortSignal;
  /** Tests that run programs side by side. */
  readonly jobs: number;
  /** Gets the results in the order of the tests, each as soon as it and all before it are known. */
  readonly onResult: (result: TestResult) => void;
}

/**
 * Tests an image of the store; what a test finds wrong is in its result.
 * @throws SlipwayError `image.not-found`, and what concerns the store or this machine, not the image
 */
export async function testImage(engine: Engine, name: string, tests: readonly ImageTest[], o: TestOptions): Promise<TestReport> {
  using lease = engine.leases.create();
  const image = heldImage(engine, name, lease);
  const { scan } = await import('../attest/index.ts');
  // the files are looked at once, before a program runs: a mount belongs to this process, and programs are not waited for below one
  const onFiles = new Map<ImageTest, TestResult>();
  const ofFiles = tests.filter(({ kind }) => kind === 'file' || kind === 'setuid' || kind === 'packages');
  if (ofFiles.length > 0) {
    withMounted(engine.layout, await viewOf(engine, image, lease), (root) => {
      for (const test of ofFiles) {
        const began = engine.now();
        onFiles.set(test, resultOf(test, filesProblems(root, test, scan), engine.now() - began));
      }
    });
  }
  const running = limited(o.jobs);
  const results: TestResult[] = [];
  const all = tests.map(async (test) => {
    const known = onFiles.get(test);
    if (known !== undefined) return known;
    if (test.kind !== 'command') return resultOf(test, settingsProblems(image, test), 0);
    return await running(async () => {
      const began = engine.now();
      return resultOf(test, await programProblems(engine, image, test, o.signal), engine.now() - began);
    });
  });
  try {
    for (const each of all) {
      const result = await each;
      results.push(result);
      o.onResult(result);
    }
  } finally {
    await Promise.allSettled(all);
  }
  return { image: name, id: image.id, results };
}

const resultOf = ({ name, kind }: ImageTest, problems: readonly string[], ms: number): TestResult => ({ name, kind, problems, ms });

type Scan = (typeof import('../attest/index.ts'))['scan'];

function filesProblems(root: string, test: ImageTest, scan: Scan): string[] {
  if (test.kind === 'file') return fileProblems(root, test);
  if (test.kind === 'setuid') return setuidProblems(root, test);
  return test.kind === 'packages' ? packageProblems(scan(root), test) : [];
}

function settingsProblems(image: Image, test: ImageTest): string[] {
  switch (test.kind) {
    case 'setting':
      return settingProblems(image, test);
    case 'entry':
      return entryProblems(image, test);
    case 'member':
      return memberProblems(image, test);
    case 'limit':
      return limitProblems(image, test);
    default:
      return [];
  }
}

/** A program that cannot be started is a test that failed; anything else is no business of the image. */
async function programProblems(engine: Engine, image: Image, test: ImageTest, signal: AbortSignal): Promise<string[]> {
  if (test.kind !== 'command') return [];
  try {
    return await commandProblems(engine, image.id, test, signal);
  } catch (e) {
    if (isSlipwayError(e) && e.kind === 'process-failed') return [e.message];
    throw e;
  }
}

/** Runs at most `most` pieces of work at once. */
function limited(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = Math.max(1, most);
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
