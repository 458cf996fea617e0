// The tour on a real terminal waits for its reader before each command, and says how to remove what it leaves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { removeTree } from '../../src/sys/index.ts';
import { SLIPWAY } from '../support/store.ts';
import { onTerminal } from '../support/terminal.ts';

const folder = mkdtempSync('/dev/shm/slipway-tour-');
const env: NodeJS.ProcessEnv = {
  ...process.env,
  TMPDIR: folder,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
after(() => removeTree(folder));

const PROMPT = '[Enter: run it, q: leave] ';
const removal = `  SLIPWAY_ROOT=${folder}/root/tour SLIPWAY_RUN=${folder}/run/tour slipway system prune -af\r\n`;

/** Runs the tour on a terminal of 60 columns, and types an answer at each prompt. */
async function tour(...answers: string[]): Promise<{ output: string; exitCode: number | null }> {
  const child = spawn(...onTerminal(`sh -c 'stty cols 60; exec ${SLIPWAY} tour'`), { env });
  let output = '';
  let prompts = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    for (; output.split(PROMPT).length - 1 > prompts; prompts++) child.stdin.write(answers.shift() ?? 'q\n');
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: output.replaceAll(/\u001b\[\d*m/g, ''), exitCode };
}

test('Enter runs the command that is shown, q leaves', async () => {
  const { output, exitCode } = await tour('\n', 'q\n');
  assert.equal(exitCode, 0, output);
  const [before = '', first = '', second = ''] = output.split(PROMPT);
  assert.match(before, /Watch: a whole system of commands in 2 MB\.\r\n.*slipway bootstrap busybox\r\n/);
  assert.match(first, /busybox: a stand-in made from Debian packages/);
  assert.match(first, /slipway bootstrap golang:1\.19-bookworm\r\n/);
  assert.doesNotMatch(second, /slipway bootstrap|golang/);
  assert.ok(output.endsWith(removal), output);
  const prose = before.split('\r\n').filter((line) => !line.includes(folder));
  assert.deepEqual(
    prose.filter((line) => line.length > 60),
    [],
  );
});

test('Ctrl-C at the question ends it', async () => {
  const { output, exitCode } = await tour('\x03');
  assert.equal(exitCode, 130, output);
  assert.doesNotMatch(output, /slipway bootstrap golang/);
  assert.ok(output.includes(removal), output);
});
