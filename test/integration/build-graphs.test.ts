// Random graphs of stages, built for real: the result is that of each stage on its own in order, a second build runs nothing, and
// a change reruns exactly what reads it. What is expected comes of a model that knows files and keys, and no engine.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildGraph } from '../../src/builder/graph/index.ts';
import { copyTree } from '../../src/builder/index.ts';
import { type BuildFixture, buildFixture } from './build-fixture.ts';

let f: BuildFixture;
before(() => void (f = buildFixture()));
after(() => f.dispose());

interface Step {
  /** As it stands in the Dockerfile. */
  readonly text: string;
  /** Reads and writes files of its own stage, and reads from others. */
  apply(own: Map<string, string>, stages: readonly Map<string, string>[], context: ReadonlyMap<string, string>): void;
  /** What it reads of elsewhere, as far as it counts for its key. */
  reads(stages: readonly Map<string, string>[], context: ReadonlyMap<string, string>): string;
  readonly from?: number;
}

interface Stage {
  /** Of an earlier stage; undefined is the base image. */
  readonly base: number | undefined;
  readonly steps: readonly Step[];
}

/** Numbers that a seed gives: a linear congruential generator. */
function generator(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const FILES = ['f0', 'f1', 'f2', 'f3'];

function randomStages(random: (n: number) => number, seed: number): Stage[] {
  const stages: Stage[] = [];
  const count = 3 + random(8);
  for (let s = 0; s < count; s++) {
    const steps: Step[] = [];
    for (let i = 0, n = 1 + random(3); i < n; i++) steps.push(randomStep(random, s, i, seed));
    stages.push({ base: s > 0 && random(3) > 0 ? random(s) : undefined, steps });
  }
  return stages;
}

function randomStep(random: (n: number) => number, stage: number, place: number, seed: number): Step {
  const to = `o${stage}_${place}`;
  const kind = random(stage > 0 ? 4 : 3);
  if (kind === 0) {
    const file = FILES[random(FILES.length)] as string;
    return {
      text: `COPY ${file} /${to}`,
      apply: (own, _, context) => void own.set(to, context.get(file) ?? ''),
      reads: (_, context) => `context ${context.get(file)}`,
    };
  }
  if (kind === 1) {
    const words = `${random(3)} of ${seed}`;
    return { text: `COPY <<E /${to}\n${words}\nE`, apply: (own) => void own.set(to, `${words}\n`), reads: () => '' };
  }
  if (kind === 2) {
    // the same bytes whatever it stands on, or those of all that is there
    const all = random(2) === 0;
    return {
      text: all ? `RUN cat /o* > /${to} 2>/dev/null || true` : `RUN echo constant ${seed} > /${to}`,
      apply: (own) => {
        const names = [...own.keys()].sort();
        own.set(to, all ? names.map((name) => own.get(name)).join('') : `constant ${seed}\n`);
      },
      reads: () => '',
    };
  }
  const from = random(stage);
  return {
    text: `COPY --from=s${from} /o${from}_0 /${to}`,
    apply: (own, stages) => void own.set(to, stages[from]?.get(`o${from}_0`) ?? ''),
    reads: (stages) => `stage ${stages[from]?.get(`o${from}_0`)}`,
    from,
  };
}

const dockerfile = (stages: readonly Stage[]): string =>
  stages
    .map((s, i) => `FROM ${s.base === undefined ? 'base' : `s${s.base}`} AS s${i}\n${s.steps.map((step) => `${step.text}\n`).join('')}`)
    .join('');

/** The files of the last stage, and the keys of all steps that it needs. */
function model(stages: readonly Stage[], context: ReadonlyMap<string, string>): { files: Map<string, string>; keys: Set<string> } {
  const files: Map<string, string>[] = [];
  const chains: string[] = [];
  const keysOf: string[][] = [];
  for (const stage of stages) {
    const own = new Map(stage.base === undefined ? [] : files[stage.base]);
    let chain = stage.base === undefined ? 'base' : (chains[stage.base] as string);
    const keys: string[] = [];
    for (const step of stage.steps) {
      // a name that says where it comes from is no part of what a step does
      chain = JSON.stringify([step.text.replace(/--from=s\d+ /, '--from '), chain, step.reads(files, context)]);
      keys.push(chain);
      step.apply(own, files, context);
    }
    files.push(own);
    chains.push(chain);
    keysOf.push(keys);
  }
  const needed = new Set<number>();
  const visit = (s: number): void => {
    if (needed.has(s)) return;
    needed.add(s);
    const stage = stages[s] as Stage;
    if (stage.base !== undefined) visit(stage.base);
    for (const step of stage.steps) if (step.from !== undefined) visit(step.from);
  };
  visit(stages.length - 1);
  return { files: files.at(-1) as Map<string, string>, keys: new Set([...needed].flatMap((s) => keysOf[s] as string[])) };
}

async function build(text: string): Promise<{ ran: number; read: (name: string) => string | undefined }> {
  const request = await f.request(text);
  const { image } = await buildGraph(f.env, request);
  const ran = request.events.filter((e) => e.type === 'vertex' && e.state === 'done' && e.inputs.length > 0).length;
  const out = join(f.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  using lease = f.env.leases.create();
  await copyTree(f.env.layout, f.env.snapshots.view(await f.env.images.snapshot(image, lease)), out, 0);
  return { ran, read: (name) => (existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : undefined) };
}

test('random graphs: the right files, nothing twice, and after a change exactly what reads it', async () => {
  const seeds =
    process.env['SLIPWAY_SEED'] === undefined ? Array.from({ length: 50 }, (_, i) => i + 1) : [Number(process.env['SLIPWAY_SEED'])];
  for (const seed of seeds) {
    const random = generator(seed);
    const stages = randomStages(random, seed);
    const text = dockerfile(stages);
    const context = new Map(FILES.map((name) => [name, `${name} of ${seed}\n`]));
    for (const [name, content] of context) f.put(name, content);
    const told = `SLIPWAY_SEED=${seed}\n${text}`;
    const seen = new Set<string>();
    const check = async (what: string): Promise<void> => {
      const { files, keys } = model(stages, context);
      const fresh = [...keys].filter((k) => !seen.has(k)).length;
      const { ran, read } = await build(
        `# ${seed}\n${text}`.replaceAll('RUN ', `RUN : ${seed}; `).replaceAll('<<E /', `<<E${seed} /`).replaceAll('\nE\n', `\nE${seed}\n`),
      );
      for (const [name, content] of files) assert.equal(read(name), content, `${what}: ${name}\n${told}`);
      assert.equal(ran, fresh, `${what}: steps that ran\n${told}`);
      for (const key of keys) seen.add(key);
    };
    await check('first');
    await check('again');
    for (let i = 0; i < 2; i++) {
      const name = FILES[random(FILES.length)] as string;
      context.set(name, `${name} of ${seed} changed ${i}\n`);
      f.put(name, context.get(name) as string);
      await check(`${name} changed`);
    }
  }
});
