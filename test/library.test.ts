// The Dockerfile language as a library, as others import it: the bundle, by the name of the package.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXAMPLE } from '../scripts/library-example.ts';

const root = join(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string; default: string }>;
};

test('slipway/dockerfile can be imported, and has types', async () => {
  const entry = exports['./dockerfile'];
  assert.ok(entry);
  assert.ok(existsSync(join(root, entry.types)), 'npm run build makes the types');
  const library = (await import(join(root, entry.default))) as typeof import('../src/dockerfile/index.ts');
  const { stages } = library.parseDockerfile('FROM a AS b\nRUN true\n');
  assert.deepEqual([stages[0]?.from.base, stages[0]?.name, stages[0]?.commands[0]?.kind], ['a', 'b', 'RUN']);
  assert.doesNotMatch(readFileSync(join(root, entry.default), 'utf8'), /from "node:(?!util|buffer)/, 'it needs nothing of Node');
});

test('the example of the page prints what stands there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-library-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/slipway'));
  writeFileSync(join(folder, 'example.mjs'), EXAMPLE.code);
  const { stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], [EXAMPLE.output, '']);
});
