// npm run samples [NAME...]: builds the samples, runs their tests, starts them and asks each over HTTP, and prints how large and how fast they are.
//
// Bases that are not in the store are made by `slipway bootstrap`, once. A cold build uses no cache of steps (--no-cache); what cache mounts hold
// stays. Containers have no network here, so the packages of the Node.js sample come from this checkout, in place of its stage `dependencies`.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { basesOf, type Sample, SAMPLES } from './sample-list.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const SLIPWAY = join(PROJECT, 'bin', 'slipway');
/** How long a program may take until it answers, ms. */
const PATIENCE = 30_000;

interface Row {
  readonly title: string;
  readonly sdk: number;
  readonly final: number;
  readonly cold: number;
  readonly cached: number;
}

/** Runs slipway to its end. @returns its standard output */
function slipway(...args: string[]): string {
  return execFileSync(SLIPWAY, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DOCKER_BUILDKIT: '1' },
  }).trim();
}

const sizeOf = (image: string): number => Number(slipway('image', 'inspect', '--format', '{{.Size}}', image));
const hasImage = (image: string): boolean => spawnSync(SLIPWAY, ['image', 'inspect', image], { stdio: 'ignore' }).status === 0;

function timed(run: () => void): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}

/** The packages that the Node.js sample needs, as its stage `dependencies` would have them. */
function packages(folder: string): string {
  const modules = join(folder, 'app', 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  const native = `@typescript/typescript-linux-${process.arch}`;
  for (const name of ['typescript', native, '@types/node', 'undici-types'])
    cpSync(join(PROJECT, 'node_modules', name), join(modules, name), { recursive: true, dereference: true });
  symlinkSync('../typescript/bin/tsc', join(modules, '.bin', 'tsc'));
  return folder;
}

async function answerOf(url: string): Promise<string> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      return `${response.status}\n${await response.text()}`;
    } catch (e) {
      if (performance.now() > until) throw e;
      await new Promise((resolve) => void setTimeout(resolve, 100));
    }
  }
}

async function tryOut(sample: Sample, scratch: string): Promise<Row> {
  const folder = join(PROJECT, 'samples', sample.name);
  for (const base of basesOf(readFileSync(join(folder, 'Dockerfile'), 'utf8'))) {
    if (hasImage(base)) continue;
    process.stderr.write(`${sample.title}: making a stand-in for ${base}\n`);
    slipway('bootstrap', '-q', base);
  }
  const image = `sample-${sample.name}`;
  const more = sample.name === 'node' ? ['--build-context', `dependencies=${packages(join(scratch, 'node'))}`] : [];
  const build = (...args: string[]): void => void slipway('build', ...more, ...args, folder);
  // the first one unpacks the bases, which is no part of building
  process.stderr.write(`${sample.title}: tests, builds\n`);
  build('-q', '--target', 'test');
  build('-q', '-t', image);
  const cold = timed(() => build('-q', '--no-cache', '-t', image));
  const cached = timed(() => build('-q', '-t', image));
  const container = slipway('run', '-d', '-P', image);
  try {
    const address = slipway('port', container, '80').split('\n')[0]?.replace('0.0.0.0', '127.0.0.1');
    const answer = await answerOf(`http://${address}${sample.ask}`);
    if (!answer.startsWith('200\n') || !sample.answer.test(answer))
      throw new Error(`${sample.title} answered GET ${sample.ask} with ${answer}`);
  } finally {
    slipway('rm', '-f', container);
  }
  return { title: sample.title, sdk: sizeOf(sample.sdk), final: sizeOf(image), cold, cached };
}

const MB = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function line(r: Row): string {
  const saving = `${Math.floor(100 * (1 - r.final / r.sdk))} %`;
  return `| ${[r.title, MB(r.sdk), MB(r.final), saving, `${(r.cold / 1000).toFixed(1)} s`, `${(r.cached / 1000).toFixed(2)} s`].join(' | ')} |`;
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SAMPLES.some((s) => s.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`there is no sample ${unknown.join(', ')}; there are ${SAMPLES.map((s) => s.name).join(', ')}\n`);
    return 1;
  }
  const chosen = SAMPLES.filter((s) => (names.length === 0 ? s.needs === undefined : names.includes(s.name)));
  const scratch = mkdtempSync(join(tmpdir(), 'slipway-samples-'));
  const lines: string[] = [];
  let failed = 0;
  try {
    for (const sample of chosen) {
      try {
        lines.push(line(await tryOut(sample, scratch)));
      } catch (e) {
        failed++;
        const { stderr } = e as { stderr?: string };
        process.stderr.write(`${sample.title} failed: ${stderr || String(e)}\n`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const head = '| sample | SDK image | final image | saving | cold | cached |\n|---|--:|--:|--:|--:|--:|\n';
  process.stdout.write(`${head}${lines.map((l) => `${l}\n`).join('')}`);
  for (const s of SAMPLES)
    if (!chosen.includes(s) && s.needs !== undefined) process.stdout.write(`\n${s.title} is not built here: it needs ${s.needs}.\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
