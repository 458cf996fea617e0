// What `serve` takes: memory with many clients that follow logs while builds run, how long a request waits then, and `run --rm` by the docker
// command line, here and at the engine that DOCKER_HOST names. Needs root and an image busybox in the store.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values: o } = parseArgs({
  options: {
    followers: { type: 'string', default: '100' },
    builds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '20' },
  },
});
const SLIPWAY = new URL('../bin/slipway', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-serve-'));
const path = join(folder, 'docker.sock');
const server = spawn(SLIPWAY, ['serve', '-H', `unix://${path}`], { stdio: ['ignore', 'ignore', 'pipe'] });
for await (const chunk of server.stderr) if (String(chunk).includes('listening')) break;
server.stderr.resume();

function call(method: string, url: string, body?: string | Buffer, type = 'application/json'): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: path, method, path: url, headers: body === undefined ? {} : { 'Content-Type': type } },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
/** MB. */
const memory = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;

const times = (list: number[]): string => {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms`;
};

let [most, stopped, bytes, built] = [0, false, 0, 0];
let id: string | undefined;
try {
  console.log(`at rest: ${memory().toFixed(0)} MB`);
  const host = { NetworkMode: 'none' };
  const script = 'i=0; while true; do i=$((i+1)); echo line $i of a log that somebody follows; usleep 100000; done';
  const created = await call(
    'POST',
    '/containers/create',
    JSON.stringify({ Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig: host }),
  );
  if (created.status !== 201) throw new Error(created.text);
  ({ Id: id } = JSON.parse(created.text) as { Id: string });
  await call('POST', `/containers/${id}/start`);
  const followers = Array.from({ length: Number(o.followers) }, () => {
    const asked = request({ socketPath: path, path: `/containers/${id}/logs?stdout=1&follow=1`, agent: false }, (answer) => {
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => {});
    });
    asked.on('error', () => {}).end();
    return asked;
  });
  const builders = Array.from({ length: Number(o.builds) }, async (_, i) => {
    for (let n = 0; !stopped; n++) {
      const context = join(folder, `build-${i}`);
      spawnSync('mkdir', ['-p', context]);
      writeFileSync(join(context, 'Dockerfile'), `FROM busybox\nRUN echo ${i} ${n} > /x\nRUN seq 1000\n`);
      const tar = spawnSync('tar', ['-c', '-C', context, '.']).stdout;
      const { text } = await call('POST', `/build?version=${1 + (i % 2)}`, tar, 'application/x-tar').catch((e: Error) => ({
        text: e.message,
      }));
      if (/moby\.image\.id|Successfully built/.test(text)) built++;
      else if (!stopped) console.log(`a build failed: ${text.slice(-200)}`);
    }
  });
  const waits = { '/_ping': [] as number[], '/containers/json': [] as number[] };
  for (const end = Date.now() + Number(o.seconds) * 1000; Date.now() < end; await sleep(200)) {
    for (const [url, took] of Object.entries(waits)) {
      const at = performance.now();
      await call('GET', url);
      took.push(performance.now() - at);
    }
    most = Math.max(most, memory());
  }
  stopped = true;
  console.log(
    `${o.followers} followers, ${o.builds} builders, ${o.seconds} s: at most ${most.toFixed(0)} MB, ${built} builds, ${(bytes / 1e6).toFixed(1)} MB of logs`,
  );
  for (const [url, took] of Object.entries(waits)) console.log(`GET ${url} meanwhile: ${times(took)}`);
  await Promise.all(builders);
  for (const one of followers) one.destroy();

  const run = (address: string): string => {
    const env = { ...process.env, DOCKER_HOST: address };
    const took = Array.from({ length: Number(o.runs) }, () => {
      const at = performance.now();
      const { status, stderr } = spawnSync('docker', ['run', '--rm', '--network', 'none', 'busybox', 'true'], { env, encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return performance.now() - at;
    });
    return times(took);
  };
  if (Number(o.runs) > 0) {
    console.log(`docker run --rm, slipway: ${run(`unix://${path}`)}`);
    const other = process.env['DOCKER_HOST'];
    if (other !== undefined) console.log(`docker run --rm, ${other}: ${run(other)}`);
  }
  console.log(`in the end: ${memory().toFixed(0)} MB`);
} finally {
  stopped = true;
  if (id !== undefined) await call('DELETE', `/containers/${id}?force=1`).catch(() => undefined);
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
