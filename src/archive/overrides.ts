// What the records of PAX extended headers say about an entry, as typed values.
import type { SlipwayError } from '../model/index.ts';
import { decodeName } from '../sys/index.ts';
import { parsePaxInteger, parsePaxTime } from './pax.ts';
import type { PaxRecords } from './pax.ts';

export interface Overrides {
  path?: string;
  link?: string;
  size?: number;
  uid?: number;
  gid?: number;
  uname?: string;
  gname?: string;
  mtimeNs?: bigint;
  xattrs?: Map<string, Buffer>;
}

export const emptyOverrides: Overrides = Object.freeze({});

/** Extended attributes travel under this prefix (star's convention, which GNU tar, libarchive and Go share). */
export const XATTR_PREFIX = 'SCHILY.xattr.';

/** Reads the records that matter; later ones win, and an empty value means that the plain header counts. */
export function applyPax(records: PaxRecords, fail: (what: string) => SlipwayError): Overrides {
  const over: Overrides = {};
  const number = (key: string, value: Buffer): number => {
    const parsed = parsePaxInteger(value.toString('latin1', 0, value.length));
    if (parsed === undefined || (key === 'size' && parsed < 0)) throw fail(`impossible ${key} in a PAX record`);
    return parsed;
  };
  for (const [key, value] of records) {
    if (value.length === 0 && !key.startsWith(XATTR_PREFIX)) {
      delete over[(key === 'linkpath' ? 'link' : key === 'mtime' ? 'mtimeNs' : key) as keyof Overrides];
      continue;
    }
    switch (key) {
      case 'path':
        over.path = decodeName(value);
        break;
      case 'linkpath':
        over.link = decodeName(value);
        break;
      case 'size':
        over.size = number(key, value);
        break;
      case 'uid':
        over.uid = number(key, value);
        break;
      case 'gid':
        over.gid = number(key, value);
        break;
      case 'uname':
        over.uname = decodeName(value);
        break;
      case 'gname':
        over.gname = decodeName(value);
        break;
      case 'mtime': {
        const time = parsePaxTime(value.toString('latin1', 0, value.length));
        if (time === undefined) throw fail('impossible mtime in a PAX record');
        over.mtimeNs = time;
        break;
      }
      default:
        if (key.startsWith(XATTR_PREFIX) && key.length > XATTR_PREFIX.length) {
          (over.xattrs ??= new Map()).set(key.slice(XATTR_PREFIX.length), value);
        }
    }
  }
  return over;
}
