// The files that a step read, as the digest of what it reads was made of them (steps/content.ts), and what is different
// between two such lists.
import { decodeName } from '../../archive/index.ts';

interface Entry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly detail: string;
  readonly xattrs: string;
}

export interface FileChange {
  readonly path: string;
  /** `added`, `removed`, or what of it changed: `content`, `mode`, `owner`, `type`, `target`, `attributes`. */
  readonly what: readonly string[];
}

/** Bytes of a SHA-256. */
const DIGEST = 32;

/** What is different, in the order of names. `patterns` are what the step names, one for each source of the list. */
export function compareLists(before: Buffer, after: Buffer, patterns: readonly string[]): FileChange[] {
  const was = parse(before, patterns);
  const is = parse(after, patterns);
  const changes: FileChange[] = [];
  for (const [path, entry] of is) {
    const old = was.get(path);
    const what = old === undefined ? ['added'] : difference(old, entry);
    if (what.length > 0) changes.push({ path, what });
  }
  for (const path of was.keys()) if (!is.has(path)) changes.push({ path, what: ['removed'] });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function difference(a: Entry, b: Entry): string[] {
  const what: string[] = [];
  if (a.type !== b.type) what.push('type');
  else if (a.detail !== b.detail) what.push(a.type === 'file' ? 'content' : 'target');
  if (a.mode !== b.mode) what.push('mode');
  if (a.owner !== b.owner) what.push('owner');
  if (a.xattrs !== b.xattrs) what.push('attributes');
  return what;
}

function parse(list: Buffer, patterns: readonly string[]): Map<string, Entry> {
  const text = decodeName(list);
  const entries = new Map<string, Entry>();
  let at = 0;
  let pattern = '';
  const until = (mark: string): string => {
    const end = text.indexOf(mark, at);
    const piece = text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + mark.length;
    return piece;
  };
  while (at < text.length) {
    const line = text.indexOf('\n', at);
    const head = text.slice(at, line < 0 ? text.length : line);
    if (/^source \d+$/.test(head)) {
      pattern = patterns[Number(head.slice(7))] ?? '';
      at = line + 1;
      continue;
    }
    const label = until('\0');
    const [type = '', mode = '', owner = ''] = until('\0').split(' ');
    // the digest of a file is bytes, which may be anything
    const digest = type === 'file' ? text.slice(at, (at += DIGEST)) : '';
    const detail = digest + until('\0');
    const xattrs = until('\n');
    entries.set(pathOf(pattern, label), { type, mode, owner, detail, xattrs });
  }
  return entries;
}

/** The path from the root of what is read, as far as the pattern tells. */
function pathOf(pattern: string, label: string): string {
  const plain = pattern.replace(/^(?:\.?\/)+/, '').replace(/(?:\/\.?)+$/, '');
  if (/[*?[\\]/.test(pattern) || plain === '' || plain === '.') return label;
  return plain === label || plain.endsWith(`/${label}`) ? plain : `${plain}/${label}`;
}
