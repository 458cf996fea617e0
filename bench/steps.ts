// What the graph engine itself costs: 1,000 cheap steps in 300 stages, nothing cached and all cached. Milliseconds a step of the whole
// command, and its memory. Median of 5 runs.
//
//   npm run bench:steps
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAGES = 300;
const STEPS = 1000;
const RUNS = 5;

/** Chains of three stages, each of three files; the last stage takes one file of each chain. */
function dockerfile(): string {
  const out: string[] = [];
  for (let s = 0; s < STAGES; s++) {
    out.push(`FROM ${s % 3 === 0 ? 'scratch' : `s${s - 1}`} AS s${s}`);
    for (let i = 0; i < 3; i++) out.push(`COPY <<E /f${s}_${i}`, `${s} ${i}`, 'E');
  }
  out.push('FROM scratch');
  for (let s = 2; s < STAGES; s += 3) out.push(`COPY --from=s${s} /f${s}_0 /`);
  return `${out.join('\n')}\n`;
}

const folder = mkdtempSync('/dev/shm/slipway-bench-');
const context = join(folder, 'context');
mkdirSync(context);
writeFileSync(join(context, 'Dockerfile'), dockerfile());
const env = { ...process.env, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run') };

/** ms, and the largest resident size in MB. */
function run(args: readonly string[]): Promise<{ ms: number; mb: number }> {
  const began = performance.now();
  const child = spawn('bin/slipway', ['build', '-q', ...args, context], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let mb = 0;
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
      mb = Math.max(mb, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // it has just ended
    }
  }, 10);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      clearInterval(watch);
      resolve({ ms: performance.now() - began, mb });
    });
  });
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

try {
  for (const [name, args] of [
    ['nothing cached', ['--no-cache']],
    ['all cached', []],
  ] as const) {
    const runs: { ms: number; mb: number }[] = [];
    for (let i = 0; i < RUNS; i++) runs.push(await run(args));
    const ms = median(runs.map((r) => r.ms));
    console.log(`${name}: ${(ms / STEPS).toFixed(2)} ms a step (${ms.toFixed(0)} ms), ${median(runs.map((r) => r.mb)).toFixed(0)} MB`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
