// The Dockerfile language as a library, as others import it: the bundle, by the name of the package.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

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
