// Tests of the files of an image, read as a program within it would.
import { constants, type Stats } from 'node:fs';
import { resolveUser } from '../../runtime/index.ts';
import { type Directory, reasonOf, RootedTree } from '../../sys/index.ts';
import { unmet } from './expectations.ts';
import type { FileTest, SetuidTest } from './types.ts';

/** Bytes of a file whose content is tested. */
const LARGEST = 64 << 20;
const SPECIAL_BITS = 0o6000;
/** Paths that are listed of those with such bits. */
const MOST_LISTED = 10;

/** What is wrong with a file. */
export function fileProblems(root: string, test: FileTest): string[] {
  using tree = new RootedTree(root);
  const itself = present(() => tree.stat(test.path));
  if (itself === undefined) return test.exists ? ['is not there'] : [];
  if (!test.exists) return ['is there'];
  // a link's own mode says nothing: it stands for what it leads to
  const stat = itself.isSymbolicLink() && test.type !== 'link' ? present(() => tree.stat(tree.locate(test.path))) : itself;
  if (stat === undefined) return [`is a link to nothing: ${tree.readLink(test.path) ?? ''}`];
  return [...statProblems(root, test, stat), ...contentProblems(tree, test, stat)];
}

function statProblems(root: string, test: FileTest, stat: Stats): string[] {
  const problems: string[] = [];
  const differs = (what: string, wanted: string, found: string): void => {
    if (wanted !== found) problems.push(`${what} is ${found}, not ${wanted}`);
  };
  if (test.type !== undefined) differs('type', test.type, typeOf(stat));
  if (test.mode !== undefined) differs('mode', octal(test.mode), octal(stat.mode & 0o7777));
  if (test.permissions !== undefined) differs('mode', test.permissions, permissionsOf(stat));
  if (test.owner !== undefined) problems.push(...ownerProblems(root, test.owner, stat));
  const bits = { owner: 0o100, group: 0o010, other: 0o001, any: 0o111 };
  if (test.executableBy !== undefined && (stat.mode & bits[test.executableBy]) === 0)
    problems.push(
      `is executable by ${test.executableBy === 'any' ? 'nobody' : `no ${test.executableBy}`}: mode ${octal(stat.mode & 0o7777)}`,
    );
  return problems;
}

/** `1000:1000`, names of the image, or one half of it. */
function ownerProblems(root: string, owner: string, stat: Stats): string[] {
  const [user = '', group] = owner.split(/:(.*)/s);
  const found = `${stat.uid}:${stat.gid}`;
  const wanted = resolveUser(root, owner.startsWith(':') ? `0${owner}` : owner, []);
  const uid = user === '' ? stat.uid : wanted.uid;
  const gid = group === undefined || group === '' ? stat.gid : wanted.gid;
  return uid === stat.uid && gid === stat.gid ? [] : [`owner is ${found}, not ${owner}`];
}

function contentProblems(tree: RootedTree, test: FileTest, stat: Stats): string[] {
  if (test.matches.length + test.lacks.length === 0) return [];
  if (!stat.isFile()) return [`is no regular file but a ${typeOf(stat)}`];
  try {
    return unmet('content', tree.readFile(test.path, LARGEST).toString(), test);
  } catch (e) {
    if (reasonOf(e, 'EFBIG') === undefined) throw e;
    return [`is too large to be read: ${stat.size} bytes`];
  }
}

/** Files that run as somebody else than who starts them. */
export function setuidProblems(root: string, { except }: SetuidTest): string[] {
  using tree = new RootedTree(root);
  const found: string[] = [];
  const allowed = new Set(except);
  const walk = (folder: Directory): void => {
    for (const name of folder.list()) {
      const stat = folder.stat(name);
      const path = `${folder.inside === '' ? '' : `/${folder.inside}`}/${name}`;
      if (stat?.isFile() && (stat.mode & SPECIAL_BITS) !== 0 && !allowed.has(path))
        found.push(`${path} has mode ${octal(stat.mode & 0o7777)}`);
      if (!stat?.isDirectory()) continue;
      using below = folder.directory(name);
      walk(below);
    }
  };
  using top = tree.directory('');
  walk(top);
  const more = found.length - MOST_LISTED;
  return more > 0 ? [...found.slice(0, MOST_LISTED), `and ${more} more`] : found;
}

/** undefined where the way to it does not exist. */
function present(stat: () => Stats | undefined): Stats | undefined {
  try {
    return stat();
  } catch (e) {
    if (reasonOf(e, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG') === undefined) throw e;
    return undefined;
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

const TYPES: readonly (readonly [number, string, string])[] = [
  [constants.S_IFREG, '-', 'file'],
  [constants.S_IFDIR, 'd', 'directory'],
  [constants.S_IFLNK, 'l', 'link'],
  [constants.S_IFBLK, 'b', 'block device'],
  [constants.S_IFCHR, 'c', 'character device'],
  [constants.S_IFIFO, 'p', 'pipe'],
  [constants.S_IFSOCK, 's', 'socket'],
];
const typeRow = (stat: Stats): readonly [number, string, string] | undefined =>
  TYPES.find(([type]) => type === (stat.mode & constants.S_IFMT));
const typeOf = (stat: Stats): string => typeRow(stat)?.[2] ?? 'unknown';

/** As `ls -l` shows it. */
function permissionsOf(stat: Stats): string {
  const special = [0o4000, 0o2000, 0o1000];
  const three = [6, 3, 0].map((shift, i) => {
    const bits = (stat.mode >> shift) & 7;
    const set = (stat.mode & (special[i] ?? 0)) !== 0;
    const letter = i === 2 ? 't' : 's';
    const last = set ? ((bits & 1) !== 0 ? letter : letter.toUpperCase()) : (bits & 1) !== 0 ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  });
  return `${typeRow(stat)?.[1] ?? '?'}${three.join('')}`;
}
