// What a file is in fsutil's words (types/stat.proto), whose mode is Go's os.FileMode and not that of stat(2).
import { create } from '@bufbuild/protobuf';
import type { EntryType, TarEntry } from '../../archive/index.ts';
import { type Stat, StatSchema } from '../gen/stat_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';

/** Bits of os.FileMode. */
const GO = {
  dir: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  char: 2 ** 21,
  sticky: 2 ** 20,
} as const;

const SPECIAL = [
  [GO.setuid, 0o4000],
  [GO.setgid, 0o2000],
  [GO.sticky, 0o1000],
] as const;

/** Longer than any path that a kernel takes. */
const LONGEST = 1 << 16;

/** A file with content of its own, which has to be asked for. */
export const hasContent = ({ mode, linkname }: Stat): boolean =>
  (mode & (GO.dir | GO.symlink | GO.device | GO.fifo | GO.socket | GO.char)) === 0 && linkname === '';

/** The entry of a tar for what was sent; undefined for a socket, which no archive holds. @throws GrpcError for what is no file */
export function entryOf(stat: Stat): TarEntry | undefined {
  const { path, mode, linkname } = stat;
  if (path.length > LONGEST || path.split('/').some((word) => word === '' || word === '.' || word === '..') || path.includes('\0'))
    throw new GrpcError(Code.invalidArgument, `invalid path ${JSON.stringify(path.slice(0, 200))}`);
  const type = typeOf(stat);
  if (type === undefined) return undefined;
  const size = Number(stat.size);
  if (type === 'file' && !(Number.isSafeInteger(size) && size >= 0))
    throw new GrpcError(Code.invalidArgument, `${path} has an invalid size`);
  return {
    path,
    type,
    mode: (mode & 0o777) | SPECIAL.reduce((bits, [go, unix]) => bits | ((mode & go) === 0 ? 0 : unix), 0),
    uid: stat.uid,
    gid: stat.gid,
    size: type === 'file' ? size : 0,
    mtimeNs: stat.modTime,
    ...(linkname !== '' && { link: linkname }),
    ...((type === 'char' || type === 'block') && { major: Number(stat.devmajor), minor: Number(stat.devminor) }),
    ...(Object.keys(stat.xattrs).length > 0 && {
      xattrs: new Map(Object.entries(stat.xattrs).map(([name, value]) => [name, Buffer.from(value)])),
    }),
  };
}

function typeOf({ mode, linkname }: Stat): EntryType | undefined {
  if ((mode & GO.dir) !== 0) return 'dir';
  if ((mode & GO.symlink) !== 0) return 'symlink';
  if ((mode & GO.fifo) !== 0) return 'fifo';
  if ((mode & GO.device) !== 0) return (mode & GO.char) === 0 ? 'block' : 'char';
  if ((mode & GO.socket) !== 0) return undefined;
  return linkname === '' ? 'file' : 'link';
}

export function statOf(entry: TarEntry): Stat {
  const { type, link = '' } = entry;
  const kind = {
    dir: GO.dir,
    symlink: GO.symlink,
    fifo: GO.fifo,
    block: GO.device,
    char: GO.device + GO.char,
    file: 0,
    link: 0,
  }[type];
  const special = SPECIAL.reduce((bits, [go, unix]) => bits + ((entry.mode & unix) === 0 ? 0 : go), 0);
  return create(StatSchema, {
    path: cleanPath(entry.path),
    mode: kind + special + (entry.mode & 0o777),
    uid: entry.uid,
    gid: entry.gid,
    size: BigInt(entry.size),
    modTime: entry.mtimeNs,
    linkname: type === 'link' ? cleanPath(link) : link,
    devmajor: BigInt(entry.major ?? 0),
    devminor: BigInt(entry.minor ?? 0),
    xattrs: Object.fromEntries(entry.xattrs ?? []),
  });
}

export const cleanPath = (path: string): string =>
  path
    .split('/')
    .filter((word) => word !== '' && word !== '.')
    .join('/');
