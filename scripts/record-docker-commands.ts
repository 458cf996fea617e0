// sh scripts/node.sh scripts/record-docker-commands.ts DOCKER...: asks a real docker command line (28.5) for all its commands and flags, by
// its help, and writes docker-commands.json, which the page docs/reference/docker.md and its test compare with Slipway's own table.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DockerCommand } from './docker-page.ts';

const [program = 'docker', ...before] = process.argv.slice(2);
/** A plug-in with a command line of its own. */
const APART = new Set(['compose']);

function help(path: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, [...before, ...path, '--help'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${path.join(' ')} --help: ${stderr}`);
  return stdout;
}

function walk(path: readonly string[], into: Map<string, DockerCommand>): void {
  const text = help(path);
  const words = path.join(' ');
  const [, aliases = ''] = /^Aliases:\n((?: .*\n)+)/m.exec(text) ?? [];
  const also = [...aliases.matchAll(/docker ([^,\n]+)/g)].map((m) => m[1]?.trim() ?? '').filter((a) => a !== words);
  const [, options = ''] = /^(?:Global )?Options:\n((?:(?: .*)?\n)+)/m.exec(text) ?? [];
  const flags = [...options.matchAll(/^ {2}(?:-(\w), | {4})--([\w-]+)(?: (\S+))? {2,}/gm)].map(([, short, name = '', type]) => ({
    name,
    ...(short !== undefined && { short }),
    ...(type !== undefined && { type }),
  }));
  const below = [...text.matchAll(/^(?:\w+ )*Commands:\n((?: {2}.*\n)+)/gm)].flatMap(([, lines = '']) =>
    [...lines.matchAll(/^ {2}([\w-]+)\*? {2,}/gm)].map((m) => m[1] ?? ''),
  );
  into.set(words, { ...(also.length > 0 && { also }), ...(below.length > 0 && { group: true }), ...(flags.length > 0 && { flags }) });
  for (const name of below)
    if (APART.has(name)) into.set([...path, name].join(' '), {});
    else walk([...path, name], into);
}

const all = new Map<string, DockerCommand>();
walk([], all);
const file = fileURLToPath(new URL('docker-commands.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`);
process.stdout.write(`${all.size} commands\n`);
