// Files of environment variables (`--env-file`), with Docker's rules: the value is taken as it stands, a name alone takes the caller's value.
import { resolve } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { readInput, whyNotRead } from '../sys/index.ts';
import type { Context } from './command.ts';

/** The longest line. */
const LONGEST = 64 * 1024;

/** The variables of a file as `NAME=value`. @throws SlipwayError `cli.env-file` */
export async function readEnvFile(ctx: Pick<Context, 'cwd' | 'env'>, file: string): Promise<string[]> {
  const path = resolve(ctx.cwd, file);
  let bytes: Buffer;
  try {
    bytes = await readInput(path);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw invalid(`open ${file}: no such file or directory`);
    if (code === 'EACCES') throw invalid(`open ${file}: permission denied`);
    if (code === 'EISDIR') throw invalid(`invalid env file (${file}): read ${file}: is a directory`);
    const why = whyNotRead(e);
    if (why !== undefined) throw invalid(`open ${file}: ${why}`);
    throw e;
  }
  return parseEnvFile(bytes, ctx.env, file);
}

/** @param file what errors call it */
export function parseEnvFile(bytes: Buffer, env: Context['env'], file: string): string[] {
  const wrong = (why: string): SlipwayError => invalid(`invalid env file (${file}): ${why}`);
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const variables: string[] = [];
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    let raw = bytes.subarray(start, end);
    start = end + 1;
    if (raw.length >= LONGEST) throw wrong('bufio.Scanner: token too long');
    if (raw.at(-1) === 0x0d) raw = raw.subarray(0, -1);
    let line: string;
    try {
      line = utf8.decode(raw);
    } catch {
      throw wrong(`invalid utf8 bytes at line ${number}: [${[...raw].join(' ')}]`);
    }
    // trimStart removes a byte order mark wherever it stands; Go counts it as a blank at the beginning of the file only
    if (number === 1 && line.startsWith('\ufeff')) line = line.slice(1);
    line = line.replace(/^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    if (name === '') throw wrong(`no variable name on line '${line}'`);
    if (/[ \t]/.test(name)) throw wrong(`variable '${name}' contains whitespaces`);
    if (equals >= 0) variables.push(line);
    else if (Object.hasOwn(env, name)) variables.push(`${name}=${env[name]}`);
  }
  return variables;
}

/** Docker ends with 125 for a file that it cannot read. */
const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'cli.env-file', message, { exitCode: 125 });
