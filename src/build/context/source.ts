// What the words of a command line that stand for a context mean. Nothing is opened here.
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { SlipwayError } from '../../model/index.ts';
import type { ContextSource } from './types.ts';

const REMOTE = /^(?:https?:\/\/|git:\/\/|ssh:\/\/|git@|github\.com\/)/;

/**
 * The context that `word` names: `-` is standard input, anything else a directory relative to `cwd`.
 * Throws unsupported 'context.remote' for addresses.
 */
export function contextSource(word: string, cwd: string, stdin: () => Readable): ContextSource {
  if (word === '-') return { kind: 'stream', stream: stdin() };
  refuseRemote(word);
  return { kind: 'directory', path: resolve(cwd, word), written: word };
}

/** Throws unsupported 'context.remote' when `word` is the address of something elsewhere. */
export function refuseRemote(word: string): void {
  if (!REMOTE.test(word)) return;
  throw new SlipwayError('unsupported', 'context.remote', `a context from elsewhere is not supported: ${word}`, {
    hints: ['clone or download it first, and give the directory as the context'],
  });
}
