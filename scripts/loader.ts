// dist/slipway.cjs: runs the program beside it. V8 compiles a function when it is first called, which was half the time of short commands. What
// it has compiled for a command is kept in `.compiled/`, and the next run of that command takes it from there. Node's own compile cache holds
// only what is compiled before anything runs.
//
// Such a file is a count, the numbers of the modules that had run by then, a sum, and what V8 made; all numbers are 32 bits. The sum takes a word
// of every 256 bytes: enough for a file that was cut off, or pages of which never reached the disk. V8 itself looks at the beginning alone.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** Set by scripts/program.ts. */
declare const PROGRAM: string;
declare const COMMANDS: readonly string[];

const file = `${__dirname}/${PROGRAM}`;
const folder = `${__dirname}/.compiled/${PROGRAM}`;
const [first = '', second = ''] = process.argv.slice(2);
const words = [`${first} ${second}`, first].find((name) => COMMANDS.includes(name)) ?? 'other';
const cache = `${folder}/${words.replace(' ', '-')}`;

function sum(code: Buffer): number {
  let result = code.length;
  for (let at = 0; at + 4 <= code.length; at += 256) result = (Math.imul(result, 31) + code.readInt32LE(at)) | 0;
  return result;
}

/** Where V8's part begins: it reads it in words of 64 bits. */
const headLength = (modules: number): number => Math.ceil((4 * (modules + 2)) / 8) * 8;

function kept(): { code: Buffer; modules: Set<number> } | undefined {
  try {
    const bytes = readFileSync(cache);
    const count = bytes.readUInt32LE(0);
    const code = bytes.subarray(headLength(count));
    if (code.length === 0 || bytes.readInt32LE(4) !== sum(code)) return undefined;
    const modules = new Set<number>();
    for (let i = 0; i < count; i++) modules.add(bytes.readUInt32LE(4 * (i + 2)));
    return { code, modules };
  } catch {
    return undefined;
  }
}

const before = kept();
// ASCII, which read as latin1 takes one byte a character and no conversion
const script = new Script(readFileSync(file, 'latin1'), { filename: file, ...(before !== undefined && { cachedData: before.code }) });
const known = script.cachedDataRejected === true ? undefined : before?.modules;

/** Numbers of modules, in the order in which they ran. */
const ran: number[] = [];
process.on('exit', () => {
  if (known !== undefined && ran.every((module) => known.has(module))) return;
  try {
    const code = script.createCachedData();
    const modules = [...new Set([...(known ?? []), ...ran])];
    const head = Buffer.alloc(headLength(modules.length));
    for (const [i, value] of [modules.length, sum(code), ...modules].entries()) head.writeInt32LE(value, 4 * i);
    mkdirSync(folder, { recursive: true });
    const aside = `${cache}.${process.pid}`;
    // on the disk before it has its name
    writeFileSync(aside, Buffer.concat([head, code]), { flush: true });
    renameSync(aside, cache);
  } catch {
    // not ours to write, or no room: the next run compiles again
  }
});
(script.runInThisContext() as (...args: unknown[]) => void)(require, __dirname, `file://${encodeURI(file)}`, ran);
