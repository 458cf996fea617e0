// Makes dist/slipway.cjs: the whole program in one file, each part of it run when it is first asked for. koffi stays outside:
// it is native. The form is CommonJS because Node's loader of modules costs 5 ms more at every start, and because there a
// built-in module can be left unloaded until something of it is used.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Built-in modules that take milliseconds to load and that most commands need nothing of. */
const HEAVY = ['crypto', 'zlib', 'child_process', 'net', 'http', 'https', 'worker_threads', 'dgram', 'readline', 'tty', 'fs/promises'];

const prelude = `
const $heavy = new Set(${JSON.stringify(HEAVY.map((name) => `node:${name}`))});
const $require = require;
require = (name) => ($heavy.has(name) ? new Proxy({}, { get: (_, key) => $require(name)[key] }) : $require(name));
const $moduleUrl = 'file://' + encodeURI(__filename);`;

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { slipway: 'src/cli/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node26',
  external: ['koffi'],
  define: { 'import.meta.url': '$moduleUrl', 'import.meta.dirname': '__dirname' },
  banner: { js: prelude },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
