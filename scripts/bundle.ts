// Makes dist/: the program, its manual pages, the page that shows builds, and the Dockerfile language as a library with its types.
//
// slipway.cjs starts the program, which is one file (scripts/program.ts). koffi stays outside, for it is native, and so do
// libraries that few commands need. The form is CommonJS because Node's loader of modules costs 5 ms more at every start.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ENTRIES } from '../src/cli/commands/index.ts';
import { manPages } from './man-pages.ts';
import { writePage } from './page.ts';
import { writeProgram } from './program.ts';

/** Made aside, and renamed: a program that starts meanwhile finds either the old files or the new ones. */
const NEXT = 'dist/.next';

rmSync(NEXT, { recursive: true, force: true });
mkdirSync(NEXT, { recursive: true });
const program = writeProgram(
  'src/cli/main.ts',
  ENTRIES.map((entry) => entry.path),
  NEXT,
);
await build({
  entryPoints: { dockerfile: 'src/dockerfile/index.ts' },
  outExtension: { '.js': '.mjs' },
  outdir: NEXT,
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
});

const types = join(NEXT, 'types');
const strict = ['--strict', '--exactOptionalPropertyTypes', '--erasableSyntaxOnly', '--allowImportingTsExtensions', '--skipLibCheck'];
const target = ['--target', 'esnext', '--module', 'nodenext', '--types', 'node'];
const output = ['--declaration', '--emitDeclarationOnly', '--rootDir', 'src', '--outDir', types];
const compiler = 'node_modules/typescript/lib/tsc.js';
execFileSync(process.execPath, [compiler, '--ignoreConfig', ...strict, ...target, ...output, 'src/dockerfile/index.ts'], {
  stdio: 'inherit',
});
// Whoever imports the library finds types under the names of modules, not of sources.
for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const path = join(types, name);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/(from '\.[^']*)\.ts'/g, "$1.js'"));
}

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
await writePage(NEXT);
mkdirSync(join(NEXT, 'man'));
for (const [name, page] of await manPages(version)) writeFileSync(join(NEXT, 'man', name), page);

const existing = readdirSync('dist').filter((name) => name.startsWith('program-') && name !== program);
for (const folder of ['types', 'man']) rmSync(join('dist', folder), { recursive: true, force: true });
// the program first: slipway.cjs names it
for (const name of readdirSync(NEXT).toSorted()) renameSync(join(NEXT, name), join('dist', name));
for (const name of [...existing, '.compiled']) rmSync(join('dist', name), { recursive: true, force: true });
rmSync(NEXT, { recursive: true });
