// COPY and ADD: sources, inline files, destination, and their flags.
import { LanguageFault } from '../errors.ts';
import { chompHeredoc, parseHeredocMark } from '../heredoc.ts';
import type { InlineFile, NodeReader } from './base.ts';
import { INSTRUCTION_FLAGS } from './declared.ts';
import type { AddInstruction, CopyInstruction } from './types.ts';

export function parseCopy(reader: NodeReader): CopyInstruction {
  requireDestination(reader);
  const flags = reader.flags(INSTRUCTION_FLAGS.COPY);
  const from = flags.string('from');
  return {
    ...reader.base('COPY'),
    ...sourcesAndDestination(reader),
    ...present('chown', flags.string('chown')),
    ...present('chmod', flags.string('chmod')),
    ...present('from', from),
    link: flags.boolean('link') ?? false,
    parents: flags.boolean('parents') ?? false,
    exclude: flags.all('exclude').map((use) => use.value),
  };
}

export function parseAdd(reader: NodeReader): AddInstruction {
  requireDestination(reader);
  const flags = reader.flags(INSTRUCTION_FLAGS.ADD);
  const keepGitDir = flags.boolean('keep-git-dir');
  const unpack = flags.boolean('unpack');
  return {
    ...reader.base('ADD'),
    ...sourcesAndDestination(reader),
    ...present('chown', flags.string('chown')),
    ...present('chmod', flags.string('chmod')),
    ...present('checksum', flags.string('checksum')),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(unpack === undefined ? {} : { unpack }),
    link: flags.boolean('link') ?? false,
    exclude: flags.all('exclude').map((use) => use.value),
  };
}

/** A flag that is empty counts as not given. */
function present<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined || value === '' ? {} : { [name]: value }) as { [P in K]?: string };
}

function requireDestination(reader: NodeReader): void {
  if (reader.node.words.length >= 2) return;
  reader.fail(
    'arguments',
    `${reader.node.name} requires at least two arguments, but only one was provided. Destination could not be determined`,
  );
}

function sourcesAndDestination(reader: NodeReader): { sources: string[]; files: InlineFile[]; dest: string } {
  const { words, heredocs, json, name } = reader.node;
  const last = words.at(-1);
  const dest = last?.value ?? '';
  const isMark = (word: string) => !json && word.includes('<<') && parseHeredocMark(word) !== undefined;
  if (last !== undefined && isMark(dest)) reader.fail('heredoc-place', `${name} cannot accept a heredoc as a destination`, last.range);
  const sources: string[] = [];
  const files: InlineFile[] = [];
  for (const { value, range } of words.slice(0, -1)) {
    const mark = json || !value.includes('<<') ? undefined : parseHeredocMark(value);
    if (mark === undefined) {
      sources.push(value);
      continue;
    }
    // Of two bodies with one name the last one counts.
    const body = heredocs.findLast((heredoc) => heredoc.name === mark.name);
    if (body === undefined) {
      reader.at(range, () => {
        throw new LanguageFault('heredoc-place', `${name} has no heredoc ${mark.name}`);
      });
      continue;
    }
    files.push({ name: mark.name, data: mark.chomp ? chompHeredoc(body.content) : body.content, expand: mark.expand, chomp: mark.chomp });
  }
  return { sources, files, dest };
}
