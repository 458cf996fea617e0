// What an address stands for. A Git repository is told from a file by its form alone, as Docker does it
// (docs.docker.com/build/concepts/context/#git-repositories). Pure.
import { SlipwayError } from '../model/index.ts';

export interface GitSource {
  /** What `git fetch` takes. */
  readonly remote: string;
  /** A branch, a tag or a commit; the remote's default branch when undefined. */
  readonly ref?: string;
  /** Which kind of name `ref` is, when the address says so. */
  readonly refKind?: 'branch' | 'tag';
  /** The folder that is wanted, relative to the repository's root. */
  readonly folder?: string;
  /** A commit, or the beginning of one, that `ref` must be. */
  readonly checksum?: string;
  /** undefined when the address does not say. */
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
}

export const isHttpUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** What asks for something by standing there. */
const MAY_BE_EMPTY = new Set(['keep-git-dir', 'submodules']);
const KINDS = [
  ['branch', 'refs/heads/'],
  ['tag', 'refs/tags/'],
] as const;

const SCP_LIKE = /^([a-zA-Z0-9._-]+@[a-zA-Z0-9.-]+):(?!\/\/)([^?#]*)(\?[^#]*)?(#.*)?$/;

/** The repository that an address stands for; undefined when it stands for none. Throws invalid-argument 'git.address'. */
export function gitSource(text: string): GitSource | undefined {
  const scp = SCP_LIKE.exec(text);
  if (scp) return describe(text, `${scp[1]}:${scp[2]}`, scp[3], scp[4]);
  const [, address, query, fragment] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text) ?? [];
  if (address === undefined) return undefined;
  if (address.startsWith('github.com/')) return describe(text, `https://${address}`, query, fragment);
  if (/^(?:git|ssh):\/\//.test(address)) return describe(text, address, query, fragment);
  if (isHttpUrl(address) && address.endsWith('.git')) return describe(text, address, query, fragment);
  return undefined;
}

function describe(text: string, remote: string, query = '', fragment = ''): GitSource {
  const [ref, ...folder] = fragment.slice(1).split(':');
  const found: { -readonly [K in keyof GitSource]?: GitSource[K] } = {};
  const set = (key: 'ref' | 'folder' | 'checksum', value: string): void => {
    if (value === '') return;
    if (found[key] !== undefined && found[key] !== value)
      throw bad(text, `it names two different ${key === 'folder' ? 'folders' : `${key}s`}`);
    found[key] = value;
  };
  set('ref', ref!);
  set('folder', folder.join(':'));
  const parameters = new URLSearchParams(query);
  let kind: 'branch' | 'tag' | undefined;
  for (const [name, value] of parameters) {
    if (parameters.getAll(name).length > 1) throw bad(text, `query ${JSON.stringify(name)} has multiple values`);
    if (value === '' && !MAY_BE_EMPTY.has(name)) throw bad(text, `query ${JSON.stringify(name)} has no value`);
    switch (name) {
      case 'ref':
        set('ref', value);
        break;
      case 'branch':
      case 'tag':
        if (kind !== undefined) throw bad(text, 'branch conflicts with tag');
        kind = name;
        break;
      case 'subdir':
        set('folder', value);
        break;
      case 'checksum':
      case 'commit':
        set('checksum', value);
        break;
      case 'keep-git-dir':
        found.keepGitDir = flag(text, name, value);
        break;
      case 'submodules':
        found.submodules = flag(text, name, value);
        break;
      default:
        throw bad(text, `unexpected query ${JSON.stringify(name)}`);
    }
  }
  for (const [name, prefix] of KINDS) {
    const value = kind === name ? parameters.get(name) : null;
    if (value === null) continue;
    // the whole name, so that it is the same as one in the fragment
    set('ref', value.startsWith(prefix) ? value : prefix + value);
    found.ref = found.ref!.slice(prefix.length);
    found.refKind = name;
  }
  const path = found.folder?.split('/').filter((part) => part !== '' && part !== '.');
  if (path?.includes('..')) throw bad(text, 'the folder lies outside of the repository');
  if (path) found.folder = path.join('/');
  return { remote, ...found };
}

function flag(text: string, name: string, value: string): boolean {
  if (['', '1', 'true', 't'].includes(value.toLowerCase())) return true;
  if (['0', 'false', 'f'].includes(value.toLowerCase())) return false;
  throw bad(text, `invalid value of ${name}: ${JSON.stringify(value)}`);
}

function bad(text: string, why: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'git.address', `invalid Git address ${withoutCredentials(text)}: ${why}`);
}

/** An address as it may be shown: without the user's secret. */
export function withoutCredentials(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/@]*):[^/@]*@/i, '$1$2:xxxxx@');
}

/** A text, such as that of an instruction, in which addresses are as they may be shown. */
export function textWithoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)([^\s"'/@:]*):[^\s"'/@]*@/gi, '$1$2:xxxxx@');
}

/** A part of an address as it is meant; a lone percent sign stands for itself. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
