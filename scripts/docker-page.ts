// The page docs/reference/docker.md: every command and flag of Docker's command line, as its own help lists them (docker-commands.json), with
// what Slipway does about each, from the tables that its parser has.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from '../src/cli/command.ts';
import { ENTRIES } from '../src/cli/commands/index.ts';
import { whyNoCommand, whyNoFlag } from '../src/cli/docker-words.ts';

interface DockerFlag {
  readonly name: string;
  readonly short?: string;
  /** Of its value; a switch has none. */
  readonly type?: string;
}

export interface DockerCommand {
  /** Other words for it. */
  readonly also?: readonly string[];
  /** Has commands below it. */
  readonly group?: boolean;
  readonly flags?: readonly DockerFlag[];
}

export const dockerCommands = new Map<string, DockerCommand>(
  Object.entries(
    JSON.parse(readFileSync(fileURLToPath(new URL('docker-commands.json', import.meta.url)), 'utf8')) as Record<string, DockerCommand>,
  ),
);

/** The flags before a command's name; what stands for a daemon is refused by `global-flags.ts`. */
export const GLOBAL: Readonly<Record<string, string>> = {
  config: 'done',
  context: 'done: `default`, the only one',
  debug: 'done: shows where a bug of Slipway itself stands',
  host: 'refused: there is no daemon to talk to',
  'log-level': 'done: `debug` shows where a bug of Slipway itself stands',
  tls: 'refused: there is no daemon to talk to',
  tlscacert: 'refused: there is no daemon to talk to',
  tlscert: 'refused: there is no daemon to talk to',
  tlskey: 'refused: there is no daemon to talk to',
  tlsverify: 'refused: there is no daemon to talk to',
  version: 'done',
};

/** Flags of the same name that do something else. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'build debug': '`-D` is the same; `--debug` opens a shell where a step fails',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** What becomes of a flag; undefined when Slipway neither has nor refuses it. */
export function stateOf(path: string, command: Command, { name }: DockerFlag): string | undefined {
  if (name === 'help') return 'done';
  const option = command.options.find((o) => o.name === name);
  const refused = whyNoFlag(path, name);
  if (option === undefined) return refused && `refused: ${refused}`;
  const different = DIFFERENT[`${command.name} ${name}`];
  if (different !== undefined) return different;
  return option.hidden ? `taken: ${option.help.toLowerCase()}` : 'done';
}

async function commandPart(path: string, docker: DockerCommand): Promise<string> {
  const also = (docker.also ?? []).map((words) => `\`${words}\``).join(', ');
  const title = `## ${path}\n\n${also === '' ? '' : `Also ${also}.\n\n`}`;
  const entry = ENTRIES.find((e) => e.path === path);
  if (entry === undefined) return `${title}Refused: ${whyNoCommand(path)}.\n\n`;
  const command = await entry.load();
  const rows = (docker.flags ?? []).map((flag) => {
    const short = flag.short === undefined ? '' : `\`-${flag.short}\`, `;
    return `| ${short}\`--${flag.name}${flag.type === undefined ? '' : ` ${cell(flag.type)}`}\` | ${cell(stateOf(path, command, flag) ?? 'unknown')} |\n`;
  });
  return `${title}${rows.length === 0 ? 'Done; it has no flags.\n' : `| flag | state |\n|---|---|\n${rows.join('')}`}\n`;
}

export async function dockerPage(): Promise<string> {
  const seen = new Set<string>();
  const parts: string[] = [];
  const commands = [...dockerCommands].filter(([path, { group }]) => group !== true || ENTRIES.some((e) => e.path === path));
  // the short word first, with its synonyms below one title
  for (const [path, docker] of commands.toSorted(([a], [b]) => a.split(' ').length - b.split(' ').length || (a < b ? -1 : 1))) {
    if (path === '' || seen.has(path)) continue;
    for (const words of [path, ...(docker.also ?? [])]) seen.add(words);
    parts.push(await commandPart(path, docker));
  }
  const global = (dockerCommands.get('')?.flags ?? []).map((f) => `| \`--${f.name}\` | ${GLOBAL[f.name] ?? 'unknown'} |\n`);
  return `# Docker's commands and flags

Every command and flag that the help of Docker 28.5 (with buildx) lists, and what Slipway does about it: *done* as Docker does, *taken* although it has no
effect, or *refused*, with the reason. A refused one ends the command; nothing is ignored in silence. A test compares this page with the program.

## Before the command

| flag | state |
|---|---|
${global.join('')}
${parts.join('')}`
    .trimEnd()
    .concat('\n');
}
