// The pages of docs/reference: every command with its flags, from the tables that the parser and the help have; and the build checks.
import type { Command, Option } from '../src/cli/command.ts';
import { ENTRIES, type Entry } from '../src/cli/commands/index.ts';
import { optionGroups } from '../src/cli/option-groups.ts';
import { guidePage, referencePage } from '../src/cli/pages.ts';
import { RULES, type RuleName } from '../src/dockerfile/checks/rules.ts';
import { checkFile, checkPage } from './check-pages.ts';
import { dockerPage } from './docker-page.ts';
import { libraryPage } from './library-page.ts';

interface Described {
  /** `image ls`; the first is the one that the page is called by. */
  readonly paths: readonly string[];
  readonly command: Command;
}

/** Commands in the order of help; names for the same one stand together. */
async function commands(): Promise<Described[]> {
  const byLoad = new Map<Entry['load'], string[]>();
  for (const { path, hidden, load } of ENTRIES) if (!hidden) byLoad.set(load, [...(byLoad.get(load) ?? []), path]);
  return Promise.all([...byLoad].map(async ([load, paths]) => ({ paths, command: await load() })));
}

const fileOf = (path: string): string => referencePage(path).slice('docs/reference/'.length);
const cell = (text: string): string => text.replaceAll('|', '\\|');
/** The beginning of generated pages. */
export const NOTE = '<!-- written by npm run reference: change the program, not this page -->\n\n';

function commandPage({ paths: [path = '', ...others], command }: Described): string {
  const guide = guidePage(path);
  const row = (o: Option): string => {
    const value =
      o.type === 'boolean' ? '' : `${o.implied === undefined ? ' ' : '[='}${o.placeholder ?? o.type}${o.implied === undefined ? '' : ']'}`;
    const flag = `${o.short === undefined ? '' : `\`-${o.short}\`, `}\`--${o.name}${cell(value)}\``;
    return `| ${flag} | ${cell(o.help)}${o.type === 'list' ? ' (may be repeated)' : ''} |\n`;
  };
  const tables = optionGroups(command).map(
    ({ title, options }) => `${title === '' ? '' : `## ${title}\n\n`}| flag | what it does |\n|---|---|\n${options.map(row).join('')}`,
  );
  return [
    `${NOTE}# slipway ${path}\n`,
    `${command.summary}.\n`,
    `    slipway ${path} ${command.usage}`.trimEnd(),
    '',
    ...(others.length === 0 ? [] : [`Also: ${others.map((p) => `\`slipway ${p}\``).join(', ')}.\n`]),
    ...tables,
    ...(command.stopAtFirstArg ? ['Flags end at the first argument: what follows belongs to the program.\n'] : []),
    ...(command.options.some((o) => o.hidden)
      ? ['Flags of Docker that have no effect here are taken too, with a warning where that matters.\n']
      : []),
    ...(guide === undefined ? [] : [`See also [the guide](${`../../${guide.slice('docs/'.length)}`}).\n`]),
    `Examples:\n\n${command.examples.map((e) => `    ${e}\n`).join('')}`,
  ].join('\n');
}

function indexPage(all: readonly Described[]): string {
  const rows = all.map(({ paths: [path = '', ...others], command }) => {
    const more = others.length === 0 ? '' : `, ${others.map((p) => `\`${p}\``).join(', ')}`;
    return `| [\`${path}\`](${fileOf(path)})${more} | ${cell(command.summary)} |\n`;
  });
  return `${NOTE}# Reference

Every command with its flags, as this version has them; \`slipway COMMAND --help\` prints the same. See also [the Dockerfile language](dockerfile/README.md), [Docker's commands and flags, and what becomes of each](docker.md), [the build checks](checks.md), [the library](library.md), [environment variables](environment.md) and [exit codes](exit-codes.md).

Before a command stand \`-D\` (where a bug of Slipway itself stands), \`--config FOLDER\` (of \`config.json\`) and \`--log-level\`. A flag's value follows
it, or an equals sign; short flags without values may stand together (\`-it\`). A mistake in a flag ends with exit code 125.

| command | what it does |
|---|---|
${rows.join('')}`;
}

function checksPage(): string {
  const names = Object.keys(RULES).toSorted() as RuleName[];
  const rows = names.map((name) => {
    const experimental = 'experimental' in RULES[name] ? ' (an experiment: `check=experimental=all` asks for it)' : '';
    return `| [${name}](${checkFile(name)}) | ${cell(RULES[name].description)}${experimental} |\n`;
  });
  return `${NOTE}# Build checks

\`slipway build --check\` runs them without building; every build runs them too, and warns. Each has a page: a bad example, the reason, a good one.

A line \`# check=skip=NAME\` at the top of a Dockerfile skips a check, \`# check=error=true\` turns warnings into errors.

| check | what is right |
|---|---|
${rows.join('')}`;
}

/** The pages by their names below docs/reference. */
export async function referencePages(): Promise<Map<string, string>> {
  const all = await commands();
  return new Map([
    ['README.md', indexPage(all)],
    ['checks.md', checksPage()],
    ['docker.md', `${NOTE}${await dockerPage()}`],
    ['library.md', `${NOTE}${libraryPage()}`],
    ...(Object.keys(RULES) as RuleName[]).map((name) => [checkFile(name), `${NOTE}${checkPage(name)}`] as const),
    ...all.map((d) => [fileOf(d.paths[0] ?? ''), commandPage(d)] as const),
  ]);
}
