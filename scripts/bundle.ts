// Makes dist/: the program, and the Dockerfile language as a library with its types.
//
// slipway.cjs is the whole program in one file, each part of it run when it is first asked for. koffi stays outside, for it is
// native, and so do libraries that few commands need. The form is CommonJS because Node's loader of modules costs 5 ms more at every start, and because there a
// built-in module can be left unloaded until something of it is used.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

/** Built-in modules that take milliseconds to load and that most commands need nothing of. */
const HEAVY = ['crypto', 'zlib', 'child_process', 'net', 'http', 'https', 'worker_threads', 'dgram', 'readline', 'tty', 'fs/promises'];

const prelude = `
const $heavy = new Set(${JSON.stringify(HEAVY.map((name) => `node:${name}`))});
const $require = require;
require = (name) => ($heavy.has(name) ? new Proxy({}, { get: (_, key) => $require(name)[key] }) : $require(name));
const $module = (of) => Object.create(of, { default: { value: of } });
const $moduleUrl = 'file://' + encodeURI(__filename);`;

/** Made aside, and renamed: a program that starts meanwhile finds either the old files or the new ones. */
const NEXT = 'dist/.next';

const common: BuildOptions = {
  outdir: NEXT,
  bundle: true,
  platform: 'node',
  target: 'node26',
  legalComments: 'none',
  logLevel: 'warning',
};

rmSync(NEXT, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { slipway: 'src/cli/main.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  external: ['koffi', 'smol-toml'],
  define: { 'import.meta.url': '$moduleUrl', 'import.meta.dirname': '__dirname' },
  banner: { js: prelude },
  minifySyntax: true,
  minifyWhitespace: true,
});
// esbuild copies every property of a built-in module for each file that imports it as a whole: 10 ms of a build's 85.
const program = join(NEXT, 'slipway.cjs');
writeFileSync(program, readFileSync(program, 'utf8').replace(/__toESM\((require\("node:[^"]*"\))(?:,1)?\)/g, '$module($1)'));
await build({ ...common, entryPoints: { dockerfile: 'src/dockerfile/index.ts' }, outExtension: { '.js': '.mjs' }, format: 'esm' });

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

rmSync('dist/types', { recursive: true, force: true });
rmSync('dist/.compiled', { recursive: true, force: true });
for (const name of readdirSync(NEXT)) renameSync(join(NEXT, name), join('dist', name));
rmSync(NEXT, { recursive: true });
