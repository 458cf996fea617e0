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
 * a user nobody knows means root.
 * classic: a user without a group means the group of that name; names that nobody knows are refused.
 */
export function resolveOwner(rootfs: RootedTree, text: string, style: 'graph' | 'classic'): Owner {
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  const group = colon < 0 ? undefined : text.slice(colon + 1);
  if (style === 'classic' && group?.includes(':')) throw unmapped('invalid chown string format', text);
  return style === 'classic' ? classicOwner(rootfs, user, group ?? user) : graphOwner(rootfs, user, group);
}

function graphOwner(rootfs: RootedTree, user: string, group: string | undefined): Owner {
  let uid = 0;
  let gid = 0;
  if (/^\d+$/.test(user)) {
    uid = Number(user);
    gid = uid;
  } else if (user !== '') {
    const account = accounts(rootfs, '/etc/passwd').find((a) => a.name === user);
    if (account) {
      uid = account.id;
      gid = account.gid;
    }
  }
  if (group === '') gid = 0;
  else if (group !== undefined) {
    gid = /^\d+$/.test(group) ? Number(group) : (accounts(rootfs, '/etc/group').find((a) => a.name === group)?.id ?? gid);
  }
  return { uid, gid };
}

function classicOwner(rootfs: RootedTree, user: string, group: string): Owner {
  const number = (kind: 'user' | 'group', name: string): number => {
    if (/^\d+$/.test(name)) return Number(name);
    const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
    const account = accounts(rootfs, file).find((a) => a.name === name);
    if (account) return account.id;
    throw unmapped(`can't find ${kind === 'user' ? 'uid' : 'gid'} for ${kind} ${name}: no such ${kind}`, name);
  };
  return { uid: number('user', user), gid: number('group', group) };
}

const unmapped = (why: string, text: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'copy.unknown-owner', `unable to convert uid/gid chown string to host mapping: ${why}: ${text}`);
