// Whom copied files belong to: `user[:group]` by name or number, looked up in the image's own accounts.
import { SlipwayError } from '../../model/index.ts';
import { type RootedTree, whyNotRead } from '../../sys/index.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** One line of a passwd or group file: its name, its number and, for passwd, the first group. */
interface Account {
  readonly name: string;
  readonly id: number;
  readonly gid: number;
}

/** More than any account file has. */
const LARGEST = 4 << 20;

function accounts(rootfs: RootedTree, file: string): Account[] {
  let text: string;
  try {
    text = rootfs.readText(file, LARGEST);
  } catch (cause) {
    const reason = whyNotRead(cause);
    if (reason === undefined) throw cause;
    throw new SlipwayError('invalid-argument', 'copy.accounts', `open ${file}: ${reason}`, { cause });
  }
  return text.split('\n').flatMap((line) => {
    const [name, , id, gid] = line.trim().split(':');
    return name && id && /^\d+$/.test(id) ? [{ name, id: Number(id), gid: Number(gid) }] : [];
  });
}

/**
 * The owner that `--chown` (or, for WORKDIR, USER) names.
 * graph: a user brings its first group, which a group that is named and known replaces, and an empty one after a colon with root's;
 * a user nobody knows means root, and root is 0 whatever the accounts say.
 * classic: a user without a group means the group of that name; names that nobody knows are refused.
 */
export function resolveOwner(rootfs: RootedTree, text: string, style: 'graph' | 'classic'): Owner {
  const [user, group, ...more] = text.split(':') as [string, ...string[]];
  if (style === 'graph') {
    if (isNamed(text) && rootfs.list('').length === 0)
      throw new SlipwayError('invalid-argument', 'copy.unknown-owner', 'invalid user index: -1', {
        hints: [`nothing is in this stage yet, and so no /etc/passwd: give the owner by number instead of ${text}`],
      });
    return graphOwner(rootfs, user, group === undefined ? undefined : [group, ...more].join(':'));
  }
  if (more.length > 0) throw unknownOwner(`invalid chown string format: ${text}`);
  return { uid: classicNumber(rootfs, 'user', user), gid: classicNumber(rootfs, 'group', group ?? user) };
}

/** What stands for the owner by itself, without a look at the accounts: Go's ParseInt of 32 bits; undefined for any other text. */
function graphNumber(text: string): number | undefined {
  if (text === 'root') return 0;
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  return number >= -(2 ** 31) && number < 2 ** 31 ? number >>> 0 : undefined;
}

/** Whether an owner needs the accounts of a root file system. */
const isNamed = (text: string): boolean => text.split(':').some((part) => part !== '' && graphNumber(part) === undefined);

function graphOwner(rootfs: RootedTree, user: string, group: string | undefined): Owner {
  let uid = graphNumber(user);
  let gid = uid ?? 0;
  if (uid === undefined && user !== '') {
    const account = accounts(rootfs, '/etc/passwd').find((a) => a.name === user);
    if (account) ({ id: uid, gid } = account);
  }
  if (group === '') gid = 0;
  else if (group !== undefined) gid = graphNumber(group) ?? accounts(rootfs, '/etc/group').find((a) => a.name === group)?.id ?? gid;
  return { uid: uid ?? 0, gid };
}

function classicNumber(rootfs: RootedTree, kind: 'user' | 'group', name: string): number {
  if (/^[+-]?\d+$/.test(name)) {
    const number = Number(BigInt.asUintN(32, BigInt(name.replace('+', ''))));
    // the system call takes -1 for "as it is", and that is root
    return number === 0xffffffff ? 0 : number;
  }
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  const account = accounts(rootfs, file).find((a) => a.name === name);
  if (account) return account.id;
  const reason = rootfs.stat(rootfs.locate(file)) ? `no such ${kind}: ${name}` : `open ${file}: no such file or directory`;
  throw unknownOwner(`can't find ${kind === 'user' ? 'uid' : 'gid'} for ${kind} ${name}: ${reason}`);
}

function unknownOwner(reason: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'copy.unknown-owner', `unable to convert uid/gid chown string to host mapping: ${reason}`);
}
