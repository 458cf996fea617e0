// What lock files of languages name, each in its own form.
import type { Package, Tree } from './types.ts';

type Found = readonly [name: string, version: string];
type Reader = (text: string) => { type: string; packages: Found[] };

const READERS: Readonly<Record<string, Reader>> = {
  'package-lock.json': npm,
  'npm-shrinkwrap.json': npm,
  'yarn.lock': (text) => ({
    type: 'npm',
    packages: [...text.matchAll(/^"?(@?[^@\n"]+)@[^\n]*:\n\s+version:? "?([^"\n]+)"?/gm)].map((m) => [m[1] ?? '', m[2] ?? '']),
  }),
  'pnpm-lock.yaml': (text) => ({
    type: 'npm',
    packages: [...text.matchAll(/^ {2}'?\/?(@?[^@\n'(]+)@([^:('\n]+)[^\n]*:$/gm)].map((m) => [m[1] ?? '', m[2] ?? '']),
  }),
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

function tomlPackages(text: string): Found[] {
  return [...text.matchAll(/^\[\[package\]\]\n((?:(?!^\[)[^\n]*\n?)*)/gm)].map((m): Found => {
    const field = (key: string): string => new RegExp(`^${key} *= *"([^"]*)"`, 'm').exec(m[1] ?? '')?.[1] ?? '';
    return [field('name'), field('version')];
  });
}
