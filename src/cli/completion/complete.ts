// What could stand where the cursor is: commands, flags and their values, and names of things, from the tables that the parser has too.
import type { Command, Context, Option } from '../command.ts';
import { ENTRIES, type Entry } from '../commands/index.ts';
import { type Candidate, kindOfArgument, namesOf, valuesOf } from './names.ts';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** What the shell knows better: names of files. */
  readonly files: 'none' | 'files' | 'folders';
}

const NOTHING: Completion = { candidates: [], files: 'none' };

/**
 * @param line the words after the program's name up to the cursor; the last one is being written, and may be empty
 */
export async function complete(ctx: Context, line: readonly string[]): Promise<Completion> {
  const words = withoutGlobalFlags(line.slice(0, -1));
  const partial = line.at(-1) ?? '';
  const found = commandOf(words);
  const next = commandsAfter(words, partial);
  if (found === undefined) return { candidates: next, files: 'none' };
  const rest = words.slice(found.path.split(' ').length);
  const command = await found.load();
  const own = await within(ctx, found.path, command, rest, partial);
  return rest.length === 0 ? { ...own, candidates: [...next, ...own.candidates] } : own;
}

/** `-D` and the like before the command; the flags of a daemon are not offered. */
function withoutGlobalFlags(words: readonly string[]): readonly string[] {
  let at = 0;
  while (words[at]?.startsWith('-')) at += /^(?:--config|--context|--log-level|-c|-l)$/.test(words[at] ?? '') ? 2 : 1;
  return words.slice(at);
}

/** The longest command that the words begin with. */
function commandOf(words: readonly string[]): Entry | undefined {
  for (let n = Math.min(4, words.length); n > 0; n--) {
    const path = words.slice(0, n).join(' ');
    const entry = ENTRIES.find((e) => e.path === path && !e.hidden);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** The words that make a command of what stands there already. */
function commandsAfter(words: readonly string[], partial: string): Candidate[] {
  const before = words.map((w) => `${w} `).join('');
  const found = new Map<string, string>();
  for (const { path, summary, hidden } of ENTRIES) {
    if (hidden || !path.startsWith(before)) continue;
    const [word = '', ...more] = path.slice(before.length).split(' ');
    if (!word.startsWith(partial)) continue;
    if (more.length === 0) found.set(word, summary);
    else if (!found.has(word)) found.set(word, 'a group of commands');
  }
  return [...found].map(([text, about]) => ({ text, about }));
}

async function within(ctx: Context, path: string, command: Command, words: readonly string[], partial: string): Promise<Completion> {
  const state = readThrough(command, words);
  if (state.waiting !== undefined) return valueOf(ctx, command, state.waiting, words, partial, '');
  if (state.flags && partial.startsWith('-')) {
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(partial) ?? [];
    const option = command.options.find((o) => o.name === name);
    if (option !== undefined) return valueOf(ctx, command, option, words, value ?? '', `--${name}=`);
    return { candidates: flagsOf(command, partial), files: 'none' };
  }
  const kind = kindOfArgument(path, command.usage, state.args);
  if (kind === 'files' || kind === 'folders') return { candidates: [], files: kind };
  return kind === 'none' ? NOTHING : { candidates: await named(ctx, kind, partial, words), files: 'none' };
}

interface State {
  /** A flag whose value comes next. */
  readonly waiting: Option | undefined;
  /** Arguments so far. */
  readonly args: number;
  /** Whether flags may still follow. */
  readonly flags: boolean;
}

function readThrough(command: Command, words: readonly string[]): State {
  let args = 0;
  let waiting: Option | undefined;
  for (const word of words) {
    if (waiting !== undefined) waiting = undefined;
    else if (word === '--' || (command.stopAtFirstArg && args > 0)) return { waiting: undefined, args: args + 1, flags: false };
    else if (word === '-' || !word.startsWith('-')) args++;
    else waiting = flagThatWaits(command, word);
  }
  return { waiting, args, flags: !(command.stopAtFirstArg && args > 0) };
}

/** The option of `--file` or `-tf`, if its value is the next word. */
function flagThatWaits({ options }: Command, word: string): Option | undefined {
  if (word.includes('=')) return undefined;
  const option = word.startsWith('--') ? options.find((o) => o.name === word.slice(2)) : options.find((o) => o.short === word.at(-1));
  return option === undefined || option.type === 'boolean' || option.implied !== undefined ? undefined : option;
}

const flagsOf = (command: Command, partial: string): Candidate[] =>
  [...command.options.filter((o) => !o.hidden), { name: 'help', help: 'Show what the command does' }]
    .map((o) => ({ text: `--${o.name}`, about: o.help }))
    .filter(({ text }) => text.startsWith(partial))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));

async function valueOf(
  ctx: Context,
  command: Command,
  option: Option,
  words: readonly string[],
  partial: string,
  prefix: string,
): Promise<Completion> {
  const kind = valuesOf(option);
  if (kind === 'files' || kind === 'folders') return { candidates: [], files: kind };
  if (typeof kind === 'string')
    return kind === 'none' ? NOTHING : { candidates: await named(ctx, kind, partial, fileWords(command, words), prefix), files: 'none' };
  const found = kind.filter((text) => text.startsWith(partial));
  return { candidates: found.map((text) => ({ text: prefix + text, about: '' })), files: 'none' };
}

/** Of a build: the Dockerfile and the folder that the command line names so far. */
function fileWords(command: Command, words: readonly string[]): readonly string[] {
  const args: string[] = [];
  let file: string | undefined;
  let waiting: Option | undefined;
  for (const word of words) {
    if (waiting !== undefined) {
      if (waiting.name === 'file') file = word;
      waiting = undefined;
    } else if (word.startsWith('--file=')) file = word.slice('--file='.length);
    else if (word.startsWith('-')) waiting = flagThatWaits(command, word);
    else args.push(word);
  }
  return [args[0] ?? '.', ...(file === undefined ? [] : [file])];
}

async function named(ctx: Context, kind: string, partial: string, words: readonly string[], prefix = ''): Promise<Candidate[]> {
  try {
    const found = await namesOf(ctx, kind, words);
    return found.filter(({ text }) => text.startsWith(partial)).map((c) => ({ ...c, text: prefix + c.text }));
  } catch {
    // a store that cannot be opened has no names; a shell is no place to say so
    return [];
  }
}
