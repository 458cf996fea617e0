// RUN: a command with its mounts, network and security mode; and what becomes of its heredocs.
import type { NodeReader } from './base.ts';
import { chompHeredoc, parseHeredocMark } from '../heredoc.ts';
import { trimSpace } from '../chars.ts';
import { parseCsvRecord } from '../csv.ts';
import { LanguageFault } from '../errors.ts';
import type { Flags } from '../flags.ts';
import { parseBytes } from '../../util/index.ts';
import { didYouMean } from '../suggest.ts';
import { allowedRunFlags } from './declared.ts';
import { parseMountSpec } from './mount.ts';
import type { RunInstruction } from './types.ts';

export function parseRun(reader: NodeReader): RunInstruction {
  const features = reader.file.features ?? new Set<string>();
  const flags = reader.flags(allowedRunFlags(features));
  const variables = features.has('variables');
  const mounts = flags.all('mount').map((use) => reader.at(use.range, () => parseMountSpec(use.value, use.range, { variables })));
  const network = flags.string('network') ?? 'default';
  if (network !== 'default' && network !== 'none' && network !== 'host') {
    reader.fail('run-network', `invalid network mode "${network}"`, flags.range('network'));
  }
  const security = flags.string('security') ?? 'sandbox';
  if (security !== 'sandbox' && security !== 'insecure')
    reader.fail('run-security', `security "${security}" is not valid`, flags.range('security'));
  return {
    ...reader.base('RUN'),
    command: reader.command(),
    files: reader.node.heredocs.map(({ name, content, expand, chomp }) => ({ name, data: content, expand, chomp })),
    mounts,
    network,
    security,
    devices: flags.all('device').map((use) => reader.at(use.range, () => parseDevice(use.value))),
    ...extras(reader, flags),
  };
}

/** The most often that a step is tried again. */
const MOST_RETRIES = 100;

/** What `# slipway:features` allows. */
function extras(reader: NodeReader, flags: Flags): Partial<Pick<RunInstruction, 'noCache' | 'retries' | 'memory' | 'cpus'>> {
  const [retry, memory, cpus] = ['retry', 'memory', 'cpus'].map((name) => flags.string(name));
  const retries = Number(retry);
  if (retry !== undefined && !(/^\d+$/.test(retry) && retries <= MOST_RETRIES))
    reader.fail('run-retry', `invalid number of retries "${retry}": a whole number up to ${MOST_RETRIES}`, flags.range('retry'));
  const bytes = memory === undefined ? undefined : parseBytes(memory);
  if (memory !== undefined && (bytes === undefined || bytes <= 0))
    reader.fail('run-memory', `invalid size "${memory}": a number with a unit, such as 512m`, flags.range('memory'));
  if (cpus !== undefined && !(/^\d*\.?\d+$/.test(cpus) && Number(cpus) > 0))
    reader.fail('run-cpus', `invalid number of processors "${cpus}": such as 1.5`, flags.range('cpus'));
  return {
    ...(flags.boolean('no-cache') === true && { noCache: true }),
    ...(retry !== undefined && { retries }),
    ...(bytes !== undefined && { memory: bytes }),
    ...(cpus !== undefined && { cpus: Number(cpus) }),
  };
}

/** The name that a `--device` asks for. Throws LanguageFault for what cannot be read. */
function parseDevice(text: string): string {
  let device = '';
  const fail = (message: string): never => {
    throw new LanguageFault('run-device', message);
  };
  for (const field of parseCsvRecord(text, 'devices')) {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? undefined : field.slice(equals + 1);
    if (key === 'required') {
      if (value !== undefined && !/^(?:[01tTfF]|true|TRUE|True|false|FALSE|False)$/.test(value)) fail(`invalid value for ${key}: ${value}`);
    } else if (key === 'name' && value !== undefined) {
      if (device !== '') fail(`device name already set to ${device}`);
      device = value;
    } else if (device === '') device = field;
    else if (value === undefined) fail(`invalid field '${field}' must be a key=value pair`);
    else fail(`unexpected key '${key}' in '${field}'${didYouMean(key, ['name', 'required'], true)}`);
  }
  return device;
}

export interface RunCommandLine {
  readonly args: readonly string[];
  /** A heredoc with a shebang: its content is to be mounted read-only and executable at `path`, which the shell then runs. */
  readonly script?: { readonly path: string; readonly content: string };
  /** The first line of the heredoc, as step names show it in parentheses. */
  readonly summary?: string;
}

/** What a RUN executes: the shell goes before a shell form, and heredocs become a command, a script, or part of the shell's input. */
export function runCommandLine(run: RunInstruction, stage: { readonly shell: readonly string[]; readonly os?: string }): RunCommandLine {
  const { args, shell } = run.command;
  const [file] = run.files;
  if (!shell) return { args };
  const line = args.join(' ');
  if (file === undefined) return { args: [...stage.shell, line] };
  if (parseHeredocMark(line) === undefined) {
    // More than the heredoc alone: the shell gets all of it and does what shells do.
    const bodies = run.files.map(({ name, data }) => `\n${data}${name}`);
    return { args: [...stage.shell, line + bodies.join('')] };
  }
  const content = file.chomp ? chompHeredoc(file.data) : file.data;
  const summary = summarize(file.data);
  if (stage.os !== 'windows' && file.data.startsWith('#!')) {
    const path = `/dev/pipes/${file.name}`;
    return { args: [...stage.shell, path], script: { path, content }, summary };
  }
  return { args: [...stage.shell, content], summary };
}

/** The first line of a text with an ellipsis where more follows. */
function summarize(data: string): string {
  const text = trimSpace(data);
  const newline = text.indexOf('\n');
  const first = newline < 0 ? text : text.slice(0, newline);
  return newline < 0 ? first : `${first}...`;
}
