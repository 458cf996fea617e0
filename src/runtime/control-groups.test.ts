import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyControlGroups, endControlGroups, groupName, groupProcesses } from './control-groups.ts';
import { cgroupHierarchies } from './spec/cgroup.ts';

test('what is left in a control group is killed, and the group goes as soon as its parent has seen the end', async (t) => {
  const stateRoot = mkdtempSync(join(tmpdir(), 'slipway-groups-'));
  t.after(() => rmSync(stateRoot, { recursive: true }));
  // a group of the cpuset hierarchy (version 1) takes no process before its processors are chosen
  const roots = cgroupHierarchies().filter((root) => !existsSync(join(root, 'cpuset.mems')));
  const groups = roots.map((root) => join(root, groupName(stateRoot, 'left')));
  for (const group of groups) mkdirSync(join(group, 'below'), { recursive: true });
  // the shell becomes a program that never asks for the end of its child
  const parent = spawn('/bin/sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await parent.stdout.take(1).toArray()) as Buffer[];
  const child = Number(line);
  for (const group of groups) writeFileSync(join(group, 'below', 'cgroup.procs'), String(child));
  assert.deepEqual(groupProcesses(stateRoot, 'left'), [child]);

  const ended = endControlGroups(stateRoot, 'left');
  while (!/\) Z /.test(readFileSync(`/proc/${child}/stat`, 'latin1'))) await sleep(1);
  parent.kill('SIGKILL');
  assert.equal(await ended, true);
  assert.deepEqual(groups.filter(existsSync), []);
  assert.deepEqual(emptyControlGroups(stateRoot), []);
  assert.equal(await endControlGroups(stateRoot, 'left'), true, 'none is no error');
});
