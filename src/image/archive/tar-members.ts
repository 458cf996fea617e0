// The members of an uncompressed tar of images on disk, by clean names; links between members are followed, and nothing else is.
import { readTarIndex } from '../../archive/index.ts';
import type { IndexedEntry } from '../../archive/index.ts';
import { MAX_DEPTH, MAX_MEMBERS, cleanName, followLinks, tooManyMembers } from './files.ts';

export class TarMembers {
  readonly #members = new Map<string, IndexedEntry>();

  /** @throws SlipwayError `archive.*` */
  constructor(fd: number) {
    let seen = 0;
    for (const member of readTarIndex(fd)) {
      if (++seen > MAX_MEMBERS) throw tooManyMembers();
      const name = cleanName(member.entry.path);
      if (name !== undefined && name.split('/', MAX_DEPTH + 1).length <= MAX_DEPTH && member.entry.sparse === undefined)
        this.#members.set(name, member);
    }
  }

  /** The regular file that a name leads to. */
  find(name: string): IndexedEntry | undefined {
    const member = followLinks(name, this.#members, ({ entry }) => (entry.type === 'symlink' ? entry.link : undefined));
    if (member?.entry.type === 'link') {
      const target = this.#members.get(cleanName(member.entry.link ?? '') ?? '');
      return target?.entry.type === 'file' ? target : undefined;
    }
    return member?.entry.type === 'file' ? member : undefined;
  }
}
