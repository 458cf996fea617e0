// Contexts as a command line names them, opened with a session on this machine.
import { resolve } from 'node:path';
import {
  type BuildContext,
  type NamedContext,
  openNamedContext,
  openRequested,
  parseContext,
  parseNamedContext,
} from '../../src/builder/context/index.ts';
import { PathSession } from '../../src/engine/index.ts';
import type { Session } from '../../src/model/index.ts';
import { memorySession } from './session.ts';

interface Options {
  readonly scratch: string;
  readonly cwd?: string;
  readonly session?: Session;
}

const opening = ({ scratch, session = memorySession() }: Options) => ({
  scratch,
  wording: 'graph' as const,
  signal: new AbortController().signal,
  elsewhere: { environment: {}, session },
});

const local = (path: string | undefined, { cwd = '/' }: Options): PathSession =>
  new PathSession({ locals: new Map(path === undefined ? [] : [['context', resolve(cwd, path)]]) });

export function openContextWord(word: string, o: Options): Promise<BuildContext> {
  const { request, path } = parseContext(word, 'context');
  return openRequested({ context: request }, local(path, o), opening(o));
}

export function openNamedWord(key: string, value: string, o: Options): Promise<NamedContext> {
  const { request, path } = parseNamedContext(key, value, 'context');
  return openNamedContext(key, request, local(path, o), opening(o));
}
