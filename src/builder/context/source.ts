// What the words of a command line that stand for a context mean. Nothing is opened here.
import { gitSource, isHttpUrl } from '../../remote/index.ts';
import { isDigest, SlipwayError, supportedDigest } from '../../model/index.ts';
import type { ContextRequest, NamedContextRequest } from './types.ts';

/** What a word stands for, and what the session is to know by the name that is in it. */
export interface ParsedContext<T> {
  readonly request: T;
  /** As written: a folder of the caller's. */
  readonly path?: string;
}

/**
 * The context that `word` names: `-` is standard input, an address something elsewhere, and anything else a folder.
 * @param name what the session knows it by. Throws invalid-argument 'git.address'
 */
export function parseContext(word: string, name: string): ParsedContext<ContextRequest> {
  if (word === '-') return { request: { kind: 'stream', name } };
  if (isRemote(word)) return { request: { kind: 'remote', address: word } };
  return { request: { kind: 'folder', name, written: word }, path: word };
}

/**
 * The context of `--build-context key=value`: a folder, something elsewhere, `docker-image://…` or `oci-layout://…`.
 * @param name what the session knows it by. Throws invalid-argument 'context.layout', unsupported 'context.remote'
 */
export function parseNamedContext(key: string, value: string, name: string): ParsedContext<NamedContextRequest> {
  if (value.startsWith('docker-image://')) return { request: { kind: 'image', ref: value.slice('docker-image://'.length) } };
  if (value.startsWith(LAYOUT)) return parseLayout(key, value.slice(LAYOUT.length), name);
  if (isRemote(value)) return { request: { kind: 'remote', address: value } };
  if (/^[a-z-]+:\/\//.test(value))
    throw new SlipwayError('unsupported', 'context.remote', `a named context of this kind is not supported: ${key}=${value}`);
  return { request: { kind: 'folder', name, written: value }, path: value };
}

const LAYOUT = 'oci-layout://';

/** `PATH[:TAG][@DIGEST]`. */
function parseLayout(key: string, text: string, name: string): ParsedContext<NamedContextRequest> {
  const { path, tag, digest } = /^(?<path>.*?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>.*))?$/s.exec(text)?.groups ?? {};
  if (!path || (digest !== undefined && !isDigest(digest)))
    throw new SlipwayError('invalid-argument', 'context.layout', `invalid OCI layout for build context ${key}: ${LAYOUT}${text}`, {
      hints: ['oci-layout://PATH, with :TAG or @sha256:… behind it where there are several images'],
    });
  const which = { ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest: supportedDigest(digest) }) };
  return { request: { kind: 'layout', name, ...which }, path };
}

const isRemote = (word: string): boolean => isHttpUrl(word) || gitSource(word) !== undefined;
