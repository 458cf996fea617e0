// Parses command lines with Docker's habits: `-it`, `-e A=b` repeated, `--flag=value`, `--rm=false`, flags after arguments
// unless these belong to a program. Pure.
import { SlipwayError } from '../model/index.ts';
import { nearest } from '../util/index.ts';
import type { Command, Option, ParsedOptions } from './command.ts';
import { whyNoFlag } from './docker-words.ts';

const TRUE = new Set(['true', '1', 't', 'T', 'TRUE', 'True']);
const FALSE = new Set(['false', '0', 'f', 'F', 'FALSE', 'False']);

class Parsed implements ParsedOptions {
  readonly values = new Map<string, string[]>();

  bool(name: string): boolean {
    return TRUE.has(this.values.get(name)?.at(-1) ?? 'false');
  }

  string(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  list(name: string): string[] {
    return this.values.get(name) ?? [];
  }

  number(name: string): number | undefined {
    const text = this.string(name);
    return text === undefined ? undefined : Number(text);
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  add(option: Option, value: string): void {
    if (option.type === 'boolean' && !TRUE.has(value) && !FALSE.has(value))
      throw invalid(invalidValue(nameOf(option), value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`));
    if (option.type === 'number' && !/^[-+]?\d+$/.test(value))
      throw invalid(invalidValue(nameOf(option), value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`));
    const list = this.values.get(option.name);
    if (list) list.push(value);
    else this.values.set(option.name, [value]);
  }
}

/** As help shows it: `-e, --env`. */
const nameOf = ({ name, short: letter }: Option): string => (letter === undefined ? `--${name}` : `-${letter}, --${name}`);

/** Docker ends with 125 for what is wrong with a flag. */
const invalid = (message: string, hints: readonly string[] = []): SlipwayError =>
  new SlipwayError('invalid-argument', 'cli.flag', message, { hints, exitCode: 125 });

/** Splits the words after a command's name into flags and arguments. @throws SlipwayError `cli.flag`, `cli.arguments`. */
export function parseArgs(
  path: string,
  command: Command,
  words: readonly string[],
): { options: ParsedOptions; args: string[]; help: boolean } {
  const parsed = new Parsed();
  const args: string[] = [];
  let help = false;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      args.push(...rest);
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      args.push(word);
      if (!command.stopAtFirstArg) continue;
      args.push(...rest);
      break;
    }
    if (word === '--help' || (word === '-h' && !command.options.some((o) => o.short === 'h'))) {
      help = true;
      continue;
    }
    if (word.startsWith('--')) long(path, command, word, rest, parsed);
    else short(path, command, word, rest, parsed);
  }
  if (!help) checkCount(path, command, args);
  return { options: parsed, args, help };
}

function long(path: string, command: Command, word: string, rest: string[], parsed: Parsed): void {
  const eq = word.indexOf('=');
  const name = word.slice(2, eq < 0 ? undefined : eq);
  const option = command.options.find((o) => o.name === name);
  if (!option) {
    const refused = whyNoFlag(path, name);
    if (refused !== undefined) throw invalid(`unknown flag: --${name}`, [`docker's --${name} is not supported: ${refused}`]);
    const near = nearest(
      name,
      command.options.map((o) => o.name),
    );
    throw invalid(`unknown flag: --${name}`, [near === undefined ? `slipway ${path} --help lists all flags` : `did you mean --${near}?`]);
  }
  const value = eq >= 0 ? word.slice(eq + 1) : option.type === 'boolean' ? 'true' : (option.implied ?? rest.shift());
  if (value === undefined) throw invalid(`flag needs an argument: --${name}`);
  parsed.add(option, value);
}

/** `-it`, `-p80:80`, `-p=80:80`, `-p 80:80`. */
function short(path: string, command: Command, word: string, rest: string[], parsed: Parsed): void {
  for (let i = 1; i < word.length; i++) {
    const letter = word[i] ?? '';
    const option = command.options.find((o) => o.short === letter);
    if (!option) throw invalid(`unknown shorthand flag: '${letter}' in ${word}`, [`slipway ${path} --help lists all flags`]);
    const attached = word.slice(i + 1);
    if (option.type === 'boolean' && !attached.startsWith('=')) {
      parsed.add(option, 'true');
      continue;
    }
    const value = attached === '' ? rest.shift() : attached.replace(/^=/, '');
    if (value === undefined) throw invalid(`flag needs an argument: '${letter}' in ${word}`);
    parsed.add(option, value);
    return;
  }
}

/** What Docker says of a flag's value that cannot be. `flag` as help shows it: `-e, --env`. */
export const invalidValue = (flag: string, value: string, message: string): string =>
  `invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${message}`;

function checkCount(path: string, { args: { min, max }, usage }: Command, given: readonly string[]): void {
  if (given.length >= min && given.length <= (max ?? Number.POSITIVE_INFINITY)) return;
  const plural = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`;
  const wanted =
    max === min
      ? min === 0
        ? 'accepts no arguments'
        : `requires ${plural(min)}`
      : given.length < min
        ? `requires at least ${plural(min)}`
        : `requires at most ${plural(max ?? 0)}`;
  throw new SlipwayError('invalid-argument', 'cli.arguments', `'slipway ${path}' ${wanted}`, {
    exitCode: 1,
    hints: [`usage: slipway ${path} ${usage}`, `see 'slipway ${path} --help'`],
  });
}
