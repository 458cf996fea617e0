// USER and --user: names and numbers looked up in the /etc/passwd and /etc/group of a root file system, by Docker's rules.
import { SlipwayError } from '../model/index.ts';
import { RootedTree, whyNotRead } from '../sys/index.ts';
import type { ResolvedUser } from './types.ts';

const HIGHEST_ID = 2 ** 31 - 1;

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}
interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * `name`, `uid`, `name:group`, `uid:gid`; '' is root. A name that is not there is an error, a number need not be there.
 * Without a group, the user's own and all that list the user; and the groups `more` besides. Throws invalid-argument 'container.unknown-user'.
 */
export function resolveUser(rootfs: string, user: string, more: readonly string[] = []): ResolvedUser {
  using tree = new RootedTree(rootfs);
  const found = resolveUserIn(
    user,
    () => readAccounts(tree, '/etc/passwd'),
    () => readAccounts(tree, '/etc/group'),
  );
  if (more.length === 0) return found;
  const groups = parseGroups(readAccounts(tree, '/etc/group'));
  const further = more.map((word) => {
    const gid = groups.find((group) => group.name === word)?.gid ?? numberOf(word);
    if (gid === undefined) throw unknown('group', word, 'no matching entries in group file');
    inRange(gid);
    return gid;
  });
  return { ...found, additionalGids: [...new Set([...found.additionalGids, ...further])] };
}

/** The same on the texts of the two files, which are read only when asked for. */
function resolveUserIn(user: string, passwd: () => string, group: () => string): ResolvedUser {
  const colon = user.indexOf(':');
  const userPart = colon < 0 ? user : user.slice(0, colon);
  const groupPart = colon < 0 ? '' : user.slice(colon + 1);
  const entry = findUser(parsePasswd(passwd()), userPart);
  const uid = entry?.uid ?? numberOf(userPart) ?? (userPart === '' ? 0 : undefined);
  if (uid === undefined) throw unknown('user', userPart, 'no matching entries in passwd file');
  inRange(uid);
  let gid = entry?.gid ?? 0;
  let more: number[] = [];
  if (groupPart !== '') {
    const number = numberOf(groupPart);
    const found = parseGroups(group()).find((candidate) => candidate.name === groupPart || candidate.gid === number)?.gid ?? number;
    if (found === undefined) throw unknown('group', groupPart, 'no matching entries in group file');
    inRange(found);
    gid = found;
  } else if (entry !== undefined) {
    more = parseGroups(group())
      .filter((candidate) => candidate.members.includes(entry.name))
      .map((candidate) => candidate.gid);
  }
  // The group itself is in the list too: without it, a process could lose what files deny to that group (CVE-2022-36109).
  return { uid, gid, additionalGids: [...new Set([gid, ...more])], home: entry?.home || '/' };
}

function findUser(users: readonly User[], wanted: string): User | undefined {
  if (wanted === '') return users.find((user) => user.uid === 0);
  const number = numberOf(wanted);
  return users.find((user) => user.name === wanted || user.uid === number);
}

function parsePasswd(text: string): User[] {
  return lines(text).map(([name = '', , uid = '', gid = '', , home = '']) => ({
    name,
    uid: numberOf(uid) ?? 0,
    gid: numberOf(gid) ?? 0,
    home,
  }));
}

function parseGroups(text: string): Group[] {
  return lines(text).map(([name = '', , gid = '', members = '']) => ({
    name,
    gid: numberOf(gid) ?? 0,
    members: members.split(',').filter((member) => member !== ''),
  }));
}

function lines(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function numberOf(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function inRange(id: number): void {
  if (id < 0 || id > HIGHEST_ID)
    throw new SlipwayError('invalid-argument', 'container.unknown-user', `uids and gids must be in range 0-${HIGHEST_ID}`);
}

function unknown(what: string, name: string, why: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'container.unknown-user', `unable to find ${what} ${name}: ${why}`);
}

/** More than any account file has. */
const LARGEST = 4 << 20;

/** @throws invalid-argument 'container.accounts' when it is no regular file, or too large */
function readAccounts(rootfs: RootedTree, path: string): string {
  try {
    return rootfs.readText(path, LARGEST);
  } catch (cause) {
    const reason = whyNotRead(cause);
    if (reason === undefined) throw cause;
    throw new SlipwayError('invalid-argument', 'container.accounts', `open ${path}: ${reason}`, { cause });
  }
}
