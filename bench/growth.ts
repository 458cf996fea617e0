// How time and memory grow with files, steps, layers and images: each line a size, the median of --runs N (3) in ms, the largest resident
// size in MB, and the time against that of the size before, divided by the growth of the size: 1.0 is linear.
//
//   npm run bench:growth [-- --folder FOLDER] [--runs N] [--only NAME] [--plot docs/growth.svg]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeTar } from '../src/archive/testing.ts';
import { type Line, plot } from './plot.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '/dev/shm' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    plot: { type: 'string' },
  },
});
const folder = mkdtempSync(join(values.folder, 'slipway-growth-'));
const env = { ...process.env, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run'), DOCKER_BUILDKIT: '1' };

interface Run {
  readonly ms: number;
  readonly mb: number;
}

/** Runs slipway once. `/usr/bin/time` tells the largest resident size, that of its children included. */
function run(...words: string[]): Promise<Run> {
  const began = performance.now();
  const child = spawn('/usr/bin/time', ['-f', '%M', 'bin/slipway', ...words], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`slipway ${words.join(' ')}: exit code ${code}\n${text}`));
      else resolve({ ms: performance.now() - began, mb: Number(text.trim().split('\n').at(-1)) / 1024 });
    });
  });
}

function context(name: string, dockerfile: string): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'Dockerfile'), dockerfile);
  return at;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A context with `n` files of some hundred bytes in folders of 200. */
function files(n: number): string {
  const at = context(`files-${n}`, 'FROM scratch\nCOPY src /src\n');
  for (const d of range(Math.ceil(n / 200))) {
    const below = join(at, 'src', `d${d}`);
    mkdirSync(below, { recursive: true });
    for (const f of range(Math.min(200, n - d * 200)))
      writeFileSync(join(below, `f${f}`), `file ${d} ${f} ${'x'.repeat((d * 7 + f * 13) % 900)}\n`);
  }
  return at;
}

/** `n` steps: stages of ten that make a file each, gathered by fifties. */
function steps(n: number): string {
  const stages = n / 10;
  const out = range(stages).flatMap((s) => [
    `FROM scratch AS s${s}`,
    ...range(9).flatMap((i) => [`COPY <<E /f${s}_${i}`, `${s} ${i}`, 'E']),
  ]);
  const gathers = Math.ceil(stages / 50);
  for (const g of range(gathers)) {
    out.push(`FROM scratch AS g${g}`);
    for (let s = g * 50; s < Math.min(stages, g * 50 + 50); s++) out.push(`COPY --from=s${s} /f${s}_8 /`);
  }
  out.push('FROM scratch', ...range(gathers).map((g) => `COPY --from=g${g} / /`));
  return context(`steps-${n}`, `${out.join('\n')}\n`);
}

const layers = (n: number): string =>
  context(
    `layers-${n}`,
    `FROM busybox\n${range(n - 1)
      .map((i) => `COPY <<E /f${i}\n${i}\nE\n`)
      .join('')}`,
  );

/** An archive of `n` images of one small layer, each with a configuration of its own. */
function archive(n: number): string {
  const layer = makeTar([{ path: 'file', content: 'the same in all' }]);
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const images = range(n).map((i) => {
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { n: `${i}` } },
      rootfs: { type: 'layers', diff_ids: [diffId] },
    });
    return { config, name: `${createHash('sha256').update(config).digest('hex')}.json` };
  });
  const manifest = images.map(({ name }, i) => ({ Config: name, RepoTags: [`growth/i${i}:1`], Layers: ['layer.tar'] }));
  const at = join(folder, `images-${n}.tar`);
  writeFileSync(
    at,
    makeTar([
      { path: 'layer.tar', content: layer },
      ...images.map(({ name, config }) => ({ path: name, content: config })),
      { path: 'manifest.json', content: JSON.stringify(manifest) },
    ]),
  );
  return at;
}

interface Subject {
  readonly name: string;
  /** What the sizes count. */
  readonly unit: string;
  readonly sizes: readonly number[];
  /** Makes a size ready, and gives what is timed: by name, the words of a command. */
  prepare(n: number): Promise<Readonly<Record<string, readonly string[]>>>;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'files',
    unit: 'files copied',
    sizes: [1000, 10_000, 100_000],
    prepare: async (n) => {
      const at = files(n);
      return { 'build, no cache': ['build', '-q', '--no-cache', at], 'build, cached': ['build', '-q', at] };
    },
  },
  {
    name: 'steps',
    unit: 'steps',
    sizes: [10, 100, 1000, 5000],
    prepare: async (n) => {
      const at = steps(n);
      return { 'build, no cache': ['build', '-q', '--no-cache', at], 'build, cached': ['build', '-q', at] };
    },
  },
  {
    name: 'layers',
    unit: 'layers',
    sizes: [1, 20, 120],
    prepare: async (n) => {
      await run('bootstrap', 'busybox');
      await run('build', '-q', '-t', `growth-layers:${n}`, layers(n));
      return {
        'run --rm': ['run', '--rm', '--network', 'none', `growth-layers:${n}`, 'true'],
        'image size': ['image', 'size', `growth-layers:${n}`],
      };
    },
  },
  {
    name: 'images',
    unit: 'images in the store',
    sizes: [10, 1000, 10_000],
    prepare: async (n) => {
      await run('bootstrap', 'busybox');
      await run('load', '-q', '-i', archive(n));
      const small = context('small', 'FROM busybox\nCOPY <<E /f\nx\nE\n');
      await run('build', '-q', small);
      return {
        images: ['images'],
        'images NAME': ['images', 'growth/i5'],
        'run --rm': ['run', '--rm', '--network', 'none', 'busybox', 'true'],
        'build, cached': ['build', '-q', small],
      };
    },
  },
];

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

const graphs: { readonly title: string; readonly lines: Line[] }[] = [];
try {
  for (const subject of SUBJECTS) {
    if (!subject.name.startsWith(values.only)) continue;
    const lines = new Map<string, { x: number; y: number }[]>();
    for (const n of subject.sizes) {
      for (const [name, words] of Object.entries(await subject.prepare(n))) {
        const runs: Run[] = [];
        for (const _ of range(Number(values.runs))) runs.push(await run(...words));
        const ms = median(runs.map((r) => r.ms));
        const line = lines.get(name) ?? [];
        const before = line.at(-1);
        line.push({ x: n, y: ms });
        lines.set(name, line);
        const growth = before === undefined ? '' : (ms / before.y / (n / before.x)).toFixed(2);
        console.log(
          `${`${n} ${subject.unit}`.padEnd(28)}${name.padEnd(18)}${ms.toFixed(0).padStart(8)} ms ${median(runs.map((r) => r.mb))
            .toFixed(0)
            .padStart(6)} MB  ${growth}`,
        );
      }
    }
    graphs.push({ title: subject.unit, lines: [...lines].map(([name, points]) => ({ name, points })) });
  }
  if (values.plot !== undefined) writeFileSync(values.plot, plot(graphs));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
