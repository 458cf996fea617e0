// The rule on floors: a folder imports only from lower floors and is entered by its index.ts; no file imports itself through
// others; the environment belongs to cli/; a file has one subject and stays short.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');

const FLOORS: readonly (readonly string[])[] = [
  ['util', 'sys'],
  ['model'],
  ['store', 'dockerfile', 'graph', 'archive'],
  ['content', 'snapshot', 'runtime', 'network', 'remote', 'solver', 'protocol'],
  ['image'],
  ['container', 'bootstrap', 'registry'],
  ['builder'],
  ['engine'],
  ['docker', 'buildkit'],
  ['api', 'ui'],
  ['cli'],
];
const floorOf = (folder: string): number => FLOORS.findIndex((f) => f.includes(folder));

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
const sources = new Map(files.map((f) => [f, readFileSync(join(SRC, f), 'utf8')]));
const shipped = [...sources].filter(([f]) => !f.endsWith('.test.ts'));

/** What a file imports: plain, type-only, re-exported and dynamic. */
function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'(\.[^']+)'/gm);
  return [...found].map((m) => relative(SRC, resolve(SRC, dirname(file), m[1] ?? '')));
}

test('every folder stands on a floor', () => {
  for (const entry of readdirSync(SRC)) assert.ok(floorOf(entry) >= 0, `src/${entry} has no floor`);
});

test('imports go down, and enter a folder by its index.ts', () => {
  const wrong: string[] = [];
  for (const [file, text] of shipped) {
    const folder = file.split('/')[0] ?? '';
    for (const target of importsOf(file, text)) {
      const to = target.split('/')[0] ?? '';
      if (to === folder) continue;
      if (floorOf(to) >= floorOf(folder)) wrong.push(`${file} imports ${target}, which is not below`);
      else if (target !== `${to}/index.ts`) wrong.push(`${file} imports ${target}, and not ${to}/index.ts`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** What an adapter may import of other folders. `cli/` starts the others, and hands out what only a process has. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  docker: ['engine', 'model', 'util'],
  buildkit: ['engine', 'model', 'protocol', 'util'],
  api: ['buildkit', 'docker', 'engine', 'model', 'util'],
  ui: ['engine', 'model', 'util'],
  cli: ['api', 'ui', 'docker', 'engine', 'model', 'util', 'sys'],
};

test('adapters come in by one door: engine/, and the words of model/, util/, docker/ and protocol/', () => {
  const around: string[] = [];
  for (const [file, text] of shipped) {
    const folder = file.split('/')[0] ?? '';
    const doors = DOORS[folder];
    if (doors === undefined) continue;
    for (const target of importsOf(file, text))
      if (![folder, ...doors].includes(target.split('/')[0] ?? '')) around.push(`${file} imports ${target}`);
  }
  assert.deepEqual(around, []);
});

/** Imports at the top of a file: those within code, by which a list of commands leads to the command that lists them, run later. */
const atTop = (file: string, text: string): string[] => importsOf(file, text.replaceAll(/\bimport\s*\(\s*'[^']*'/g, ''));

test('no file imports itself through others, not for types either', () => {
  const graph = new Map(shipped.map(([file, text]) => [file, atTop(file, text)]));
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const from = way.indexOf(file);
    if (from >= 0) circles.push([...way.slice(from), file].join(' → '));
    if (from >= 0 || done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

test('imports exist', () => {
  for (const [file, text] of sources)
    for (const target of importsOf(file, text)) assert.ok(sources.has(target), `${file} imports ${target}`);
});

test('the environment, the home folder and the standard streams belong to cli', () => {
  const wrong = shipped
    .filter(([f, t]) => !f.startsWith('cli/') && /(?<![\w.])process\.(?:env|stdout|stderr|stdin|argv)\b|\bhomedir\b/.test(t))
    .map(([f]) => f);
  assert.deepEqual(wrong, []);
});

test('a file has one subject: no more than 400 lines', () => {
  assert.deepEqual(
    [...sources].filter(([f, t]) => !f.startsWith('protocol/gen/') && t.split('\n').length > 401).map(([f]) => f),
    [],
  );
});

test('each file says what it is for', () => {
  assert.deepEqual(
    [...sources].filter(([f, t]) => !f.endsWith('.test.ts') && !t.startsWith('//')).map(([f]) => f),
    [],
  );
});
