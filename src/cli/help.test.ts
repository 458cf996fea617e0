// What help, the examples in it and the README say of commands and flags is what the parser knows.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseArgs } from './args.ts';
import type { Command } from './command.ts';
import { ENTRIES, findCommand } from './commands/index.ts';
import { commandHelp } from './help.ts';
import { optionGroups } from './option-groups.ts';
import { guidePage, pageOfError, referencePage } from './pages.ts';

const commands: ReadonlyMap<string, Command> = new Map(await Promise.all(ENTRIES.map(async (e) => [e.path, await e.load()] as const)));

/** The words of a shell line up to what ends a command, with variables set before it left out. */
function wordsOf(line: string): string[] {
  const words = line.match(/'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"|<>;&#]+|[|<>;&#].*/g) ?? [];
  const end = words.findIndex((w) => /^[|<>;&#]/.test(w));
  const own = end < 0 ? words : words.slice(0, end);
  return own.map((w) => w.replaceAll(/^['"]|['"]$/g, ''));
}

/** Parses a line that begins with `slipway`. */
function parse(line: string): void {
  const found = findCommand(wordsOf(line).slice(1));
  if (found.kind === 'help') return;
  parseArgs(found.entry.path, commands.get(found.entry.path)!, found.rest);
}

test('every command has an example, and all examples parse', () => {
  for (const { path, hidden } of ENTRIES) {
    const command = commands.get(path)!;
    const page = commandHelp(path, command);
    assert.match(page, /^Usage: {2}slipway /, path);
    if (hidden) continue;
    assert.ok(command.examples.length > 0, `${path} has no example`);
    for (const example of command.examples) {
      assert.ok(page.includes(`  ${example}\n`), path);
      const line = example.slice(example.indexOf('slipway')).replace(/ {2,}\(.*\)$/, '');
      assert.doesNotThrow(() => parse(line.replaceAll('…', 'x')), example);
    }
  }
});

test('no two flags of a command have the same name or letter, and help has a text for each', () => {
  for (const [path, { options }] of commands) {
    const names = options.flatMap((o) => [`--${o.name}`, ...(o.short === undefined ? [] : [`-${o.short}`])]);
    assert.deepEqual([...new Set(names)], names, path);
    for (const o of options) assert.ok(o.help.length > 0, `${path} --${o.name}`);
  }
});

test('the commands and flags of the README exist', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').replaceAll(/ \\\n\s*/g, ' ');
  const lines = [...readme.matchAll(/^ {4}(?:\$ |.*\| )?(slipway .*)$/gm)].map((m) => m[1] ?? '');
  assert.ok(lines.length > 15);
  for (const line of lines) assert.doesNotThrow(() => parse(line), line);
  const inline = [...readme.matchAll(/`(slipway [^`]*)`/g)].map((m) => m[1] ?? '').filter((line) => !line.includes('|'));
  for (const line of inline) assert.doesNotThrow(() => parse(`${line}${/ (?:build|bootstrap)$| --\S+$/.test(line) ? ' .' : ''}`), line);
  const flags = new Set([...commands.values()].flatMap((c) => c.options.map((o) => o.name)));
  for (const [, name = ''] of readme.replaceAll(/COPY --from=\S*/g, '').matchAll(/(?<=[\s`])--([a-z][a-z-]*)/g))
    assert.ok(flags.has(name) || ['help', 'version'].includes(name), `--${name}`);
});

test('every command has two examples, and names pages that exist', () => {
  for (const { path, hidden } of ENTRIES) {
    if (hidden) continue;
    assert.ok(commands.get(path)!.examples.length >= 2, path);
    for (const page of [referencePage(path), guidePage(path)])
      assert.ok(page === undefined || existsSync(new URL(`../../${page}`, import.meta.url)), `${path}: ${page}`);
  }
});

test('the flags of commands that have many stand in groups, each in one', () => {
  for (const [path, command] of commands) {
    const groups = optionGroups(command);
    const names = groups.flatMap(({ options }) => options.map((o) => o.name));
    const shown = command.options.filter((o) => !o.hidden).map((o) => o.name);
    assert.deepEqual(names.toSorted(), shown.toSorted(), path);
    assert.equal(shown.length >= 16, groups.length > 1, `${path}: a flag of it stands in no group of option-groups.ts`);
  }
});

test('errors name pages that exist', () => {
  for (const code of ['port.in-use', 'bootstrap.version', 'lock.changed', 'registry.unauthorized', 'dockerfile.include'])
    assert.ok(existsSync(new URL(`../../${pageOfError(code)}`, import.meta.url)), code);
  assert.equal(pageOfError('image.not-found'), undefined);
});
