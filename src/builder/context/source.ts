// What the words of a command line that stand for a context mean. Nothing is opened here.
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { gitSource, isHttpUrl } from '../../remote/index.ts';
import type { ContextSource } from './types.ts';

/**
 * The context that `word` names: `-` is standard input, an address something elsewhere, and anything else a directory relative
 * to `cwd`. Throws invalid-argument 'git.address'.
 */
export function contextSource(word: string, cwd: string, stdin: () => Readable): ContextSource {
  if (word === '-') return { kind: 'stream', stream: stdin() };
  if (isRemote(word)) return { kind: 'remote', address: word };
  return { kind: 'directory', path: resolve(cwd, word), written: word };
}

export const isRemote = (word: string): boolean => isHttpUrl(word) || gitSource(word) !== undefined;
