// Completion as a shell gets it: from the program, and in a real bash.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ENTRIES } from '../../src/cli/commands/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';
import { SLIPWAY } from '../support/store.ts';

const folder = mkdtempSync('/dev/shm/slipway-completion-');
const env = {
  PATH: `${dirname(SLIPWAY)}:${process.env['PATH']}`,
  HOME: folder,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
const line = new CommandLine({ env, cwd: folder });

before(async () => {
  mkdirSync(join(folder, 'context'));
  writeFileSync(
    join(folder, 'context', 'Dockerfile'),
    'FROM scratch AS build\nCOPY Dockerfile /\nFROM scratch AS test\nCOPY --from=build / /\n',
  );
  writeFileSync(join(folder, 'context', 'other'), 'FROM scratch AS elsewhere\n');
  await line.ok('build', '-q', '-t', 'ship:1', '-t', 'example.com:5000/ship:2', 'context');
  await line.ok('create', '--name', 'hull', 'ship:1', 'x');
  await line.ok('volume', 'create', 'hold');
});
after(async () => {
  await line.run(['rm', '-f', 'hull']);
  removeTree(folder);
});

/** What is offered for these words, and whether file names fit too. */
async function offered(...words: string[]): Promise<string[]> {
  return (await line.ok('__complete', '--', ...words))
    .trimEnd()
    .split('\n')
    .map((l) => l.split('\t')[0] ?? '');
}

test('commands and groups, and nothing that help hides', async () => {
  assert.deepEqual(await offered('volume', ''), ['ls', 'list', 'inspect', 'prune', 'create', 'rm', 'remove', ':none']);
  assert.deepEqual(await offered('buil'), ['build', 'builder', 'buildx', ':none']);
  assert.deepEqual(await offered('builder', 'history', 'in'), ['inspect', ':none']);
  const all = await offered('');
  for (const e of ENTRIES) assert.equal(all.includes(e.path.split(' ')[0] ?? ''), !(e.hidden && !e.path.includes(' ')), e.path);
  assert.deepEqual(await offered('-D', '--config', 'x', 'vol'), ['volume', ':none']);
  assert.deepEqual(await offered('nosuch', ''), [':none']);
});

test('flags of the command, and their values', async () => {
  assert.deepEqual(await offered('build', '--ta'), ['--tag', '--target', ':none']);
  assert.ok((await offered('build', '--')).includes('--help'));
  assert.ok(!(await offered('build', '--')).includes('--cgroup-parent'));
  assert.deepEqual(await offered('build', '--progress', 'p'), ['plain', ':none']);
  assert.deepEqual(await offered('build', '--progress=p'), ['--progress=plain', ':none']);
  assert.deepEqual(await offered('build', '-f', ''), [':files']);
  assert.deepEqual(await offered('build', '-t', ''), [':none']);
  assert.deepEqual(await offered('run', '--network', ''), ['bridge', 'host', 'none', ':none']);
});

test('names of stages come from the Dockerfile of the build', async () => {
  assert.deepEqual(await offered('build', 'context', '--target', ''), ['build', 'test', ':none']);
  assert.deepEqual(await offered('build', 'context', '--target=t'), ['--target=test', ':none']);
  assert.deepEqual(await offered('build', '-f', 'context/other', '--target', ''), ['elsewhere', ':none']);
  assert.deepEqual(await offered('build', 'nosuch', '--target', ''), [':none']);
});

test('names of images, containers, volumes and builds', async () => {
  assert.deepEqual(await offered('run', '--rm', 'sh'), ['ship:1', ':none']);
  assert.deepEqual(await offered('rmi', 'ship:1', 'ex'), ['example.com:5000/ship:2', ':none']);
  assert.deepEqual(await offered('rm', '-f', ''), ['hull', ':none']);
  assert.deepEqual(await offered('volume', 'rm', ''), ['hold', ':none']);
  assert.deepEqual(await offered('inspect', 'h'), ['hull', ':none']);
  assert.deepEqual(await offered('inspect', 'sh'), ['ship:1', ':none']);
  assert.equal((await offered('builder', 'history', 'logs', '')).length, 2);
  assert.ok((await offered('bootstrap', 'go')).includes('golang'));
  assert.deepEqual(await offered('lab', 'start', '10'), ['10', ':none']);
  assert.deepEqual(await offered('completion', ''), ['bash', 'zsh', 'fish', ':none']);
  // what follows the image belongs to a program
  assert.deepEqual(await offered('run', 'ship:1', '--'), [':files']);
  assert.deepEqual(await offered('version', ''), [':none']);
});

test('a shell without completion is refused', async () => {
  assert.match(
    (await line.run(['completion', 'tcsh'])).stderr,
    /there is no completion for tcsh\n\nhint: there is one for bash, zsh, fish/,
  );
});

/** What bash offers for a line with the cursor at its end. */
function inBash(text: string): string[] {
  const script = `source <(slipway completion bash)
COMP_LINE=$1 COMP_POINT=\${#1}
compopt() { :; }
_slipway
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', text], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trimEnd().split('\n');
}

test('bash: after a colon or an equals sign, what follows it', () => {
  assert.deepEqual(inBash('slipway image ins'), ['inspect']);
  assert.deepEqual(inBash('slipway run ship:'), ['1']);
  assert.deepEqual(inBash('slipway rmi example.com:5000/s'), ['5000/ship:2']);
  assert.deepEqual(inBash('slipway build context --target=b'), ['build']);
  assert.deepEqual(inBash('slipway build con'), ['context']);
  assert.deepEqual(inBash('slipway build -f context/D'), ['context/Dockerfile']);
});

test('bash: Tab in a terminal', async () => {
  const child = spawn('script', ['-qec', 'bash --norc --noprofile -i', '/dev/null'], {
    cwd: folder,
    env: { ...env, PS1: 'READY> ', TERM: 'dumb' },
  });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    advance();
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  // each is typed when the screen shows what the one before led to
  const steps: [when: RegExp, type: string][] = [
    [/READY> /, 'source <(slipway completion bash)\n'],
    [/bash\)\r?\n.*READY> /s, 'slipway bootst\t'],
    [/slipway bootstrap /, '--he\t'],
    [/bootstrap --help /, '\nexit\n'],
  ];
  function advance(): void {
    const [when, type] = steps[0] ?? [];
    if (when?.test(seen) !== true) return;
    steps.shift();
    child.stdin.write(type);
  }
  await ended;
  assert.match(seen, /Usage: {2}slipway bootstrap/);
});
