// What the guard of a killed owner ends, and what it leaves alone. A program that records its arguments stands for the runtime.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RuntimeBinary } from './binary.ts';
import { reapSteps } from './guard.ts';
import { processStartTime } from '../sys/index.ts';

test('a step of a killed owner is ended by its pid and start time, and by nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-guard-'));
  const children: ChildProcess[] = [];
  try {
    const path = join(folder, 'runtime');
    writeFileSync(path, `#!/bin/sh\necho "$@" >> ${folder}/calls\n`);
    chmodSync(path, 0o755);
    const binary: RuntimeBinary = { name: 'crun', path, cgroups: false, stateRoot: folder, identity: '' };
    const owner = join(folder, 'crun-owners', '999999999:a-boot:1');
    mkdirSync(owner, { recursive: true });
    const sleeper = (...args: string[]) => {
      const child = spawn('/bin/sh', ['-c', 'sleep 1000 & wait', ...args], { stdio: 'ignore', detached: true });
      children.push(child);
      return { pid: child.pid!, ended: new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal))) };
    };
    const step = sleeper('step');
    const other = sleeper('one', 'reused', 'noted-only'); // has the ids among its words
    writeFileSync(join(owner, 'step'), `\n${step.pid}\n${processStartTime(step.pid)!.split(':')[1]}\n`);
    writeFileSync(join(owner, 'reused'), `\n${other.pid}\n1\n`);
    writeFileSync(join(owner, 'noted-only'), '/elsewhere\n');
    assert.deepEqual((await reapSteps(binary)).sort(), ['noted-only', 'reused', 'step']);
    assert.equal(await step.ended, 'SIGKILL');
    assert.notEqual(processStartTime(other.pid), undefined);
    assert.deepEqual(readdirSync(join(folder, 'crun-owners')), []);
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').sort();
    const start = `--root ${folder}/crun --cgroup-manager=disabled`;
    assert.deepEqual(calls, [
      `${start} --root /elsewhere delete --force noted-only`,
      `${start} delete --force reused`,
      `${start} delete --force step`,
    ]);
    assert.ok(existsSync(path));
  } finally {
    for (const child of children)
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // ended
      }
    rmSync(folder, { recursive: true });
  }
});
