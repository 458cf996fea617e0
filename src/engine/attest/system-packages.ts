// What the package managers of distributions say is installed: dpkg (deb-control(5)), apk (the installed database of Alpine) and
// rpm (its SQLite database with header blobs, rpm-format(5)).
import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Package, Tree } from './types.ts';

export interface Distribution {
  /** `debian`, `alpine`, `fedora`. */
  readonly id: string;
  readonly version: string;
}

/** From os-release(5). */
function distributionOf(tree: Tree): Distribution {
  const text = (tree.read('/etc/os-release') ?? tree.read('/usr/lib/os-release'))?.toString('utf8') ?? '';
  const value = (key: string): string => new RegExp(`^${key}=["']?([^"'\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), version: value('VERSION_ID') };
}

export function systemPackages(tree: Tree): Package[] {
  const distribution = distributionOf(tree);
  return [...dpkgPackages(tree, distribution), ...apkPackages(tree, distribution), ...rpmPackages(tree, distribution)];
}

const purl = (type: string, namespace: string, name: string, version: string, o: Readonly<Record<string, string>>): string => {
  const qualifiers = Object.entries(o).filter(([, v]) => v !== '');
  const tail = qualifiers.length === 0 ? '' : `?${qualifiers.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&')}`;
  const space = namespace === '' ? '' : `${encodeURIComponent(namespace)}/`;
  return `pkg:${type}/${space}${encodeURIComponent(name)}@${encodeURIComponent(version)}${tail}`;
};

const distro = (d: Distribution): string => (d.id === '' ? '' : `${d.id}${d.version === '' ? '' : `-${d.version}`}`);

function dpkgPackages(tree: Tree, d: Distribution): Package[] {
  // images without a package manager keep a file for each package in status.d
  const sources = ['/var/lib/dpkg/status', ...tree.list('/var/lib/dpkg/status.d').map((n) => `/var/lib/dpkg/status.d/${n}`)];
  return sources.flatMap((source) =>
    (tree.read(source)?.toString('utf8') ?? '').split(/\n\n+/).flatMap((paragraph): Package[] => {
      const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'mi').exec(paragraph)?.[1]?.trim() ?? '';
      const [name, version, status] = [field('Package'), field('Version'), field('Status')];
      if (name === '' || version === '' || (status !== '' && !/\binstalled$/.test(status))) return [];
      return [
        { name, version, source, purl: purl('deb', d.id || 'debian', name, version, { arch: field('Architecture'), distro: distro(d) }) },
      ];
    }),
  );
}

function apkPackages(tree: Tree, d: Distribution): Package[] {
  const source = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'].find((path) => tree.read(path) !== undefined);
  if (source === undefined) return [];
  return (tree.read(source)?.toString('utf8') ?? '').split(/\n\n+/).flatMap((paragraph): Package[] => {
    const field = (letter: string): string => new RegExp(`^${letter}:(.*)$`, 'm').exec(paragraph)?.[1] ?? '';
    const [name, version, license] = [field('P'), field('V'), field('L')];
    if (name === '' || version === '') return [];
    return [
      {
        name,
        version,
        source,
        purl: purl('apk', d.id || 'alpine', name, version, { arch: field('A'), distro: distro(d) }),
        ...(license !== '' && { license }),
      },
    ];
  });
}

const RPM_DATABASES = ['/usr/lib/sysimage/rpm/rpmdb.sqlite', '/var/lib/rpm/rpmdb.sqlite'];

function rpmPackages(tree: Tree, d: Distribution): Package[] {
  const found = RPM_DATABASES.map((source) => ({ source, bytes: tree.read(source, 1 << 30) })).find(({ bytes }) => bytes !== undefined);
  if (found?.bytes === undefined) return [];
  const { source, bytes } = found;
  // a copy: SQLite would want to write beside it, and the image is read-only
  const folder = mkdtempSync(join(tmpdir(), 'slipway-rpm-'));
  try {
    const copy = join(folder, 'rpmdb.sqlite');
    writeFileSync(copy, bytes);
    const db = new DatabaseSync(copy);
    const rows = db.prepare('SELECT blob FROM Packages').all() as { blob: Uint8Array }[];
    db.close();
    return rows.flatMap(({ blob }): Package[] => {
      const tags = readRpmHeader(Buffer.from(blob));
      const [name, version, release] = [tags.get(1000), tags.get(1001), tags.get(1002)];
      if (typeof name !== 'string' || name === 'gpg-pubkey' || typeof version !== 'string') return [];
      const whole = `${version}${typeof release === 'string' ? `-${release}` : ''}`;
      const [epoch, arch, license] = [tags.get(1003), tags.get(1022), tags.get(1014)];
      const o = { arch: typeof arch === 'string' ? arch : '', epoch: typeof epoch === 'number' ? String(epoch) : '', distro: distro(d) };
      return [{ name, version: whole, source, purl: purl('rpm', d.id, name, whole, o), ...(typeof license === 'string' && { license }) }];
    });
  } catch {
    // a database that cannot be read says nothing
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [INT32, STRING, I18N_STRING] = [4, 6, 9];
const ENTRY = 16;

/** Tags of a header: counts, then index entries (tag, type, offset, count; all big-endian), then the data. */
export function readRpmHeader(bytes: Buffer): Map<number, string | number> {
  const tags = new Map<number, string | number>();
  if (bytes.length < 8) return tags;
  const [entries, size] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  const data = 8 + entries * ENTRY;
  if (entries > 100_000 || data + size > bytes.length) return tags;
  for (let i = 0; i < entries; i++) {
    const at = 8 + i * ENTRY;
    const [tag, type, offset] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4), data + bytes.readUInt32BE(at + 8)];
    if (offset >= bytes.length) continue;
    if (type === STRING || type === I18N_STRING) {
      const end = bytes.indexOf(0, offset);
      tags.set(tag, bytes.toString('utf8', offset, end < 0 ? bytes.length : end));
    } else if (type === INT32 && offset + 4 <= bytes.length) tags.set(tag, bytes.readInt32BE(offset));
  }
  return tags;
}
