// The files of a program: all its modules as one, and what starts that.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { link } from './link.ts';

/**
 * Writes `slipway.cjs` and the file that it starts, whose name has its digest.
 * @param entry the module that runs first
 * @param commands the words of each command: what V8 compiles is kept for each of them
 * @returns the name of the file that `slipway.cjs` starts
 */
export function writeProgram(entry: string, commands: readonly string[], folder: string): string {
  const text = link(entry, { 'import.meta.url': '$url', 'import.meta.dirname': '__dirname' });
  const program = `program-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.js`;
  writeFileSync(join(folder, program), text);
  const loader = transformSync(readFileSync(join(import.meta.dirname, 'loader.ts'), 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    platform: 'node',
    target: 'node26',
    define: { PROGRAM: JSON.stringify(program), COMMANDS: JSON.stringify(commands) },
  });
  writeFileSync(join(folder, 'slipway.cjs'), loader.code);
  return program;
}
