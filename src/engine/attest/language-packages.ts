// What lock files of languages name, each in its own form.
import { parse as parseToml } from 'smol-toml';
import type { Package, Tree } from './types.ts';

type Found = readonly [name: string, version: string];
type Reader = (text: string) => { type: string; packages: Found[] };

/** Characters. A lock file of ten thousand packages has a fifth of that, and takes a second. */
const LARGEST_TOML = 16 << 20;

const READERS: Readonly<Record<string, Reader>> = {
  'package-lock.json': npm,
  'npm-shrinkwrap.json': npm,
  'yarn.lock': (text) => ({ type: 'npm', packages: /^__metadata:/m.test(text) ? yarnPackages(text) : classicYarnPackages(text) }),
  'pnpm-lock.yaml': (text) => ({ type: 'npm', packages: pnpmPackages(text) }),
  'Cargo.lock': (text) => ({ type: 'cargo', packages: tomlPackages(text) }),
  'poetry.lock': (text) => ({ type: 'pypi', packages: tomlPackages(text) }),
  'uv.lock': (text) => ({ type: 'pypi', packages: tomlPackages(text) }),
  'requirements.txt': (text) => ({
    type: 'pypi',
    packages: [...text.matchAll(/^([A-Za-z0-9._-]+)(?:\[[^\]]*\])? *== *([^\s;#\\]+)/gm)].map((m) => [m[1] ?? '', m[2] ?? '']),
  }),
  'Pipfile.lock': (text) => {
    const lock = JSON.parse(text) as Record<string, Record<string, { version?: string }>>;
    const all = Object.entries({ ...lock['default'], ...lock['develop'] });
    return {
      type: 'pypi',
      packages: all.flatMap(([name, p]): Found[] => (p.version === undefined ? [] : [[name, p.version.replace(/^==/, '')]])),
    };
  },
  'go.sum': (text) => ({ type: 'golang', packages: [...text.matchAll(/^(\S+) (v[^\s/]+) h1:/gm)].map((m) => [m[1] ?? '', m[2] ?? '']) }),
  'Gemfile.lock': (text) => ({
    type: 'gem',
    packages: [...text.matchAll(/^ {4}([^\s(]+) \(([^)\s]+)\)$/gm)].map((m) => [m[1] ?? '', m[2] ?? '']),
  }),
  'composer.lock': (text) => {
    const lock = JSON.parse(text) as {
      packages?: { name: string; version: string }[];
      'packages-dev'?: { name: string; version: string }[];
    };
    return {
      type: 'composer',
      packages: [...(lock.packages ?? []), ...(lock['packages-dev'] ?? [])].map((p) => [p.name, p.version.replace(/^v/, '')]),
    };
  },
};

export function languagePackages(tree: Tree): Package[] {
  return tree.find(new Set(Object.keys(READERS))).flatMap((source): Package[] => {
    const text = tree.read(source)?.toString('utf8');
    const reader = READERS[source.slice(source.lastIndexOf('/') + 1)];
    if (text === undefined || reader === undefined) return [];
    try {
      const { type, packages } = reader(text);
      return packages
        .filter(([n, v]) => n !== '' && v !== '')
        .map(([name, version]) => ({ name, version, source, purl: `pkg:${type}/${path(name)}@${encodeURIComponent(version)}` }));
    } catch {
      // no lock file, whatever its name says
      return [];
    }
  });
}

/** Namespaces are parts of the path. */
const path = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

function npm(text: string): { type: string; packages: Found[] } {
  const lock = JSON.parse(text) as {
    packages?: Record<string, { version?: string; link?: boolean }>;
    dependencies?: Record<string, { version?: string }>;
  };
  const named = Object.entries(lock.packages ?? {}).flatMap(([at, p]): Found[] => {
    const name = at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return !at.includes('node_modules/') || p.version === undefined || p.link === true ? [] : [[name, p.version]];
  });
  const old = Object.entries(lock.dependencies ?? {}).flatMap(([name, p]): Found[] => (p.version === undefined ? [] : [[name, p.version]]));
  return { type: 'npm', packages: named.length > 0 ? named : old };
}

/** Cargo, Poetry and uv list theirs as `[[package]]`. */
function tomlPackages(text: string): Found[] {
  if (text.length > LARGEST_TOML) return [];
  const { package: packages } = parseToml(text);
  return entriesOf(packages).flatMap(([, p]) => found(member(p, 'name'), member(p, 'version')));
}

/**
 * `packages` by `name@version`, `/name@version(peers)` or, before version 6, `/name/version` (pnpm.io). By their lines, as pnpm writes
 * them: a parser of all of YAML does not survive what an image may hold (decision 023).
 */
function pnpmPackages(text: string): Found[] {
  const lines = text.split('\n');
  const begin = lines.indexOf('packages:') + 1;
  const end = lines.findIndex((line, i) => i >= begin && line !== '' && !line.startsWith(' '));
  return lines.slice(begin, begin === 0 ? 0 : end < 0 ? undefined : end).flatMap((line): Found[] => {
    const key = /^ {2}['"]?\/?([^\s'"(]+)/.exec(line)?.[1]?.replace(/:$/, '') ?? '';
    const at = key.lastIndexOf(key.indexOf('@', 1) > 0 ? '@' : '/');
    return at <= 0 ? [] : [[key.slice(0, at), key.slice(at + 1)]];
  });
}

/** From Yarn 2 on: with `resolution: "name@npm:1.0.0"`; the project's own packages are of `workspace:`. */
function yarnPackages(text: string): Found[] {
  return [...text.matchAll(/^ {2}version: "?([^\s"]+)"?\n {2}resolution: "(@?[^@"]+)@(?!workspace:)/gm)].map((m) => [
    m[2] ?? '',
    m[1] ?? '',
  ]);
}

/** Yarn 1 has a form of its own. */
function classicYarnPackages(text: string): Found[] {
  return [...text.matchAll(/^"?(@?[^@\n"]+)@[^\n]*:\n\s+version "([^"\n]+)"/gm)].map((m) => [m[1] ?? '', m[2] ?? '']);
}

const entriesOf = (value: unknown): [string, unknown][] => (typeof value === 'object' && value !== null ? Object.entries(value) : []);
const member = (value: unknown, key: string): unknown => entriesOf(value).find(([name]) => name === key)?.[1];
const found = (name: unknown, version: unknown): Found[] =>
  typeof name === 'string' && typeof version === 'string' ? [[name, version]] : [];
