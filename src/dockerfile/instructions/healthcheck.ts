// HEALTHCHECK: NONE, or a command with its times.
import type { Healthcheck } from '../../model/index.ts';
import { quote } from '../chars.ts';
import { LanguageFault } from '../errors.ts';
import type { Flags } from '../flags.ts';
import { parseGoDuration } from '../goduration.ts';
import type { NodeReader } from './base.ts';
import { INSTRUCTION_FLAGS } from './declared.ts';
import type { HealthcheckInstruction } from './types.ts';

/** The shortest time that Docker takes, in nanoseconds. */
const MINIMUM = 1_000_000;

export function parseHealthcheck(reader: NodeReader): HealthcheckInstruction {
  reader.requireWords();
  const [first, ...words] = reader.words;
  const type = (first ?? '').toUpperCase();
  if (type === 'NONE') {
    if (words.length > 0) reader.fail('arguments', 'HEALTHCHECK NONE takes no arguments', reader.node.words[1]?.range);
    return { ...reader.base('HEALTHCHECK'), health: { Test: ['NONE'] } };
  }
  const flags = reader.flags(INSTRUCTION_FLAGS.HEALTHCHECK);
  if (type !== 'CMD') reader.fail('healthcheck-type', `Unknown type ${quote(type)} in HEALTHCHECK (try CMD)`, reader.node.words[0]?.range);
  const command = reader.command(words);
  if (command.args.length === 0) reader.fail('arguments', 'Missing command after HEALTHCHECK CMD');
  const health: Healthcheck = { Test: [command.shell ? 'CMD-SHELL' : 'CMD', ...command.args] };
  const interval = duration(reader, flags, 'interval');
  const timeout = duration(reader, flags, 'timeout');
  const startPeriod = duration(reader, flags, 'start-period');
  const startInterval = duration(reader, flags, 'start-interval');
  const retries = readRetries(reader, flags);
  if (interval > 0) health.Interval = interval;
  if (timeout > 0) health.Timeout = timeout;
  if (startPeriod > 0) health.StartPeriod = startPeriod;
  if (startInterval > 0) health.StartInterval = startInterval;
  if (retries > 0) health.Retries = retries;
  return { ...reader.base('HEALTHCHECK'), health };
}

function duration(reader: NodeReader, flags: Flags, name: string): number {
  const text = flags.string(name) ?? '';
  if (text === '') return 0;
  return reader.at(flags.range(name) ?? reader.node.range, () => {
    const value = parseGoDuration(text);
    if (value !== 0 && value < MINIMUM) throw new LanguageFault('healthcheck-time', `Interval ${quote(name)} cannot be less than 1ms`);
    return value;
  });
}

function readRetries(reader: NodeReader, flags: Flags): number {
  const text = flags.string('retries') ?? '';
  if (text === '') return 0;
  const range = flags.range('retries') ?? reader.node.range;
  if (!/^[+-]?[0-9]+$/.test(text)) reader.fail('healthcheck-retries', `strconv.ParseInt: parsing ${quote(text)}: invalid syntax`, range);
  const value = Number(text);
  if (value > 0x7fffffff || value < -0x80000000)
    reader.fail('healthcheck-retries', `strconv.ParseInt: parsing ${quote(text)}: value out of range`, range);
  if (value < 0) reader.fail('healthcheck-retries', `--retries cannot be negative (${value})`, range);
  return value;
}
