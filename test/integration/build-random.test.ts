// Random Dockerfiles with random edits and requests between builds, against a model that knows the language and a cache, and no
// engine: the files of every result are the model's, with their modes and owners, and as many commands run as it says.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CacheExport } from '../../src/engine/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import {
  editContext,
  one,
  editFile,
  isReplaceable,
  randomArgs,
  randomContext,
  randomDirectory,
  randomFile,
  randomIgnore,
  randomServed,
  shown,
} from './random-build/generate.ts';
import { dockerfile, generator } from './random-build/language.ts';
import { Machine, type Order } from './random-build/machine.ts';
import { type Files, Model } from './random-build/model.ts';

const folder = mkdtempSync('/dev/shm/slipway-random-');
after(() => removeTree(folder));

/** What changes before a build: 0 is nothing, 6 and 7 are done without the cache, 12 after it was emptied. */
const EDITS = [0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 8, 9, 10, 11, 11, 12];

/** Where the subject is steps that run again. */
const RERUNS = [0, 0, 5, 6, 6, 6, 7, 7];

/** `SLIPWAY_SEED=N` builds one; `SLIPWAY_SECONDS=N` goes on for so long. */
const { SLIPWAY_SEED, SLIPWAY_SECONDS } = process.env;
function* seeds(usual: number): Generator<number> {
  if (SLIPWAY_SEED !== undefined) return void (yield Number(SLIPWAY_SEED));
  const end = Date.now() + Number(SLIPWAY_SECONDS ?? 0) * 1000;
  for (let seed = 1; SLIPWAY_SECONDS === undefined ? seed <= usual : Date.now() < end; seed++) yield seed;
}

const shownAs = (files: Files): string[] =>
  [...files].map(([path, n]) => `${path}${n.dir ? '/' : ''} ${n.mode.toString(8)} ${n.owner} ${JSON.stringify(n.content)}`).sort();

async function sequence(machine: Machine, seed: number, style: 'graph' | 'classic', builds: number): Promise<void> {
  const random = generator(seed);
  const cross = style === 'graph' && random(3) === 0;
  const outside = seed % 2 === 0;
  const model = new Model();
  let file = randomFile(random, { style, cross, seed, outside });
  let whole = randomContext(random);
  let ignore = randomIgnore(random);
  let directory = randomDirectory(random);
  let buildArgs = randomArgs(random);
  let served = randomServed(random);
  let again = false;
  let architecture = cross && random(2) === 0 ? 'arm64' : 'amd64';
  let replaced = new Set<number>();
  const history: string[] = [];
  for (let n = 0; n < builds; n++) {
    // what was done without the cache is what the next build finds in it
    const what: number = n === 0 || (again && random(4) > 0) ? 0 : one(random, outside ? RERUNS : EDITS);
    again = what === 6 || what === 7;
    if (what === 1) whole = editContext(random, whole);
    if (what === 2) ignore = randomIgnore(random);
    if (what === 3) directory = randomDirectory(random);
    if (what === 4) buildArgs = randomArgs(random);
    const noCache = what === 6;
    const target = what === 5 || (noCache && random(2) === 0) ? random(file.stages.length) : file.stages.length - 1;
    // stages that have a trigger in common have a step in common, which has to be one thing or the other
    const common = file.stages.some((stage) => stage.instructions.some((i) => i.kind === 'onbuild'));
    const noCacheFilter = what === 7 && !common ? [file.stages[random(file.stages.length)]!.name] : [];
    if (what === 8) file = editFile(random, file);
    if (what === 9 && cross) architecture = architecture === 'amd64' ? 'arm64' : 'amd64';
    if (what === 10 && style === 'graph') {
      const stage = random(file.stages.length);
      replaced = new Set(replaced.size > 0 || !isReplaceable(file, stage) ? [] : [stage]);
    }
    if (what === 11) served = randomServed(random);
    if (what === 12 && style === 'graph') {
      machine.forget();
      model.forget();
    }
    const order: Order = {
      file,
      target,
      style,
      buildArgs,
      architecture,
      noCache,
      noCacheFilter,
      nonce: `${seed}.${n}`,
      context: shown(whole, ignore),
      whole,
      ignore,
      directory,
      served,
      replaced,
    };
    const { file: _, context: _c, whole: _w, directory: _d, ...rest } = order;
    history.push(`${what}: ${JSON.stringify({ ...rest, replaced: [...replaced] })}`);
    const told = `SLIPWAY_SEED=${seed}\n${dockerfile(file, machine.address)}\n${history.join('\n')}`;
    const expected = model.build(order);
    if (expected === undefined) {
      await assert.rejects(machine.build(order), { kind: 'invalid-argument' }, told);
      return;
    }
    const answer = await machine.build(order).catch((e: Error) => assert.fail(`${e.stack}\n${told}`));
    assert.deepEqual(shownAs(answer.files), shownAs(expected.files), told);
    assert.deepEqual([answer.env, answer.workdir], [expected.env, expected.workdir], told);
    if (style === 'graph') assert.equal(answer.ran, model.ran, `commands that ran\n${told}`);
    const [least, most] = answer.planned ?? [0, Infinity];
    assert.ok(least <= answer.ran && answer.ran <= most, `the plan says ${least} to ${most} commands, ${answer.ran} ran\n${told}`);
  }
}

for (const style of ['graph', 'classic'] as const) {
  test(`${style}: random builds with random edits give what the model says`, async () => {
    using machine = await Machine.open(join(folder, style));
    for (const seed of seeds(style === 'graph' ? 16 : 4)) {
      machine.begin(seed);
      await sequence(machine, seed, style, 8);
    }
  });
}

test('a cache of builds for several platforms gives their results on another machine', async () => {
  for (const seed of seeds(2)) {
    const random = generator(seed);
    const file = randomFile(random, { style: 'graph', cross: true, seed, outside: false });
    const ignore = randomIgnore(random);
    const whole = randomContext(random);
    const order: Order = {
      file,
      target: file.stages.length - 1,
      style: 'graph',
      buildArgs: randomArgs(random),
      architecture: 'amd64',
      noCache: false,
      noCacheFilter: [],
      nonce: `${seed}.0`,
      context: shown(whole, ignore),
      whole,
      ignore,
      directory: randomDirectory(random),
      served: randomServed(random),
      replaced: new Set(),
    };
    const told = `SLIPWAY_SEED=${seed}\n${dockerfile(file, 'http://server')}\n${JSON.stringify(order.buildArgs)}`;
    const model = new Model();
    const [architectures, path] = [['amd64', 'arm64'], join(folder, `cache${seed}`)];
    const expected = architectures.map((architecture) => model.build({ ...order, architecture }));
    if (expected.includes(undefined)) continue;
    using here = await Machine.open(join(folder, `here${seed}`));
    const place = { type: 'local', path, tag: 'latest' } as const;
    const image = { ...place, path: `${path}-inline` } as const;
    const everything: CacheExport = {
      type: 'place',
      place,
      mode: 'max',
      mounts: 'none',
      compression: { kind: 'gzip', level: 1 },
      force: false,
      ignoreError: false,
    };
    await here.build({ ...order, architectures, caches: { from: [], to: [everything] } });
    await here.build({ ...order, architectures, layout: image.path, caches: { from: [], to: [{ type: 'inline' }] } });
    for (const from of [place, image]) {
      using there = await Machine.open(join(folder, `there${seed}`));
      await here.lend(there);
      for (const [i, architecture] of architectures.entries()) {
        const answer = await there.build({
          ...order,
          architecture,
          // where steps run again, what they see is what they saw
          nonce: from === place ? 'another' : order.nonce,
          caches: { from: [{ place: from, mounts: 'none' }], to: [] },
        });
        assert.deepEqual(shownAs(answer.files), shownAs(expected[i]!.files), `${architecture} from ${from.path}\n${told}`);
        // an inline cache has the steps of the image alone: others may run, and nothing comes of it
        assert.equal(from === place ? answer.ran : answer.ranLast, 0, `${architecture} from ${from.path}\n${told}`);
      }
    }
  }
});
