// Help: of the program, of a group of commands, of a command. An example for each.
import type { Command, Option } from './command.ts';
import { ENTRIES } from './commands/index.ts';
import { optionGroups } from './option-groups.ts';
import { guidePage, referencePage } from './pages.ts';

/** The page of the whole program, or of one group such as `image`. */
export function programHelp(group?: string, columns?: number): string {
  const entries = ENTRIES.filter((e) => !e.hidden && (group === undefined ? !e.path.includes(' ') : e.path.startsWith(`${group} `)));
  const groups = [...new Set(ENTRIES.filter((e) => !e.hidden && e.path.includes(' ')).map((e) => e.path.split(' ')[0] ?? ''))];
  const names = entries.map((e) => (group === undefined ? e.path : e.path.slice(group.length + 1)));
  const width = Math.max(12, ...names.map((name) => name.length));
  const lines = entries.map((e, i) => entry((names[i] ?? '').padEnd(width), e.summary, columns)).join('');
  const head = `Usage:  slipway ${group === undefined ? '' : `${group} `}COMMAND\n\nBuilds, ships and runs container images, without a daemon\n\nCommands:\n${lines}`;
  const more =
    group === undefined
      ? `\nGroups of commands: ${groups.join(', ')}\n\nExample:\n  slipway tour            watch real builds and containers, step by step\n`
      : '';
  return `${head}${more}\nRun 'slipway ${group === undefined ? '' : `${group} `}COMMAND --help' for more information on a command.\n`;
}

export function commandHelp(path: string, c: Command, columns?: number): string {
  const options = optionGroups(c)
    .map(({ title, options: group }) => `\n${title || 'Options'}:\n${group.map((o) => optionLine(o, columns)).join('')}`)
    .join('');
  const examples = `\nExamples:\n${c.examples.map((e) => `  ${e}\n`).join('')}`;
  return `Usage:  slipway ${path} ${c.usage}\n\n${c.summary}\n${options}${examples}\nMore: ${[referencePage(path), guidePage(path)].filter(Boolean).join(', ')}\n`;
}

function optionLine(o: Option, columns: number | undefined): string {
  const value = o.type === 'boolean' ? '' : ` ${o.placeholder ?? o.type}`;
  const names = `${o.short === undefined ? '    ' : `-${o.short}, `}--${o.name}${value}`;
  return entry(names.padEnd(34), o.help, columns);
}

/** Narrower than this, a column of text is worse than lines that the terminal breaks. */
const NARROWEST = 20;

/** A name and what is said of it, in lines of the terminal's width; into a pipe one line. */
function entry(name: string, text: string, columns: number | undefined): string {
  const indent = name.length + 3;
  const room = (columns ?? Number.POSITIVE_INFINITY) - indent;
  if (room < NARROWEST) return `  ${name} ${text}\n`;
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return `  ${name} ${lines.join(`\n${' '.repeat(indent)}`)}\n`;
}
