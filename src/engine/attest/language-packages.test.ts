// Lock files as their tools write them, and ones that somebody wrote to be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languagePackages } from './language-packages.ts';

/** Names and versions that one lock file names. */
function read(name: string, text: string): string[] {
  const tree = { read: () => Buffer.from(text), list: () => [], find: () => [`app/${name}`] };
  return languagePackages(tree).map((p) => `${p.name} ${p.version}`);
}

const CASES: readonly (readonly [of: string, name: string, text: string, packages: readonly string[]])[] = [
  [
    'Cargo',
    'Cargo.lock',
    'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "serde",\n]\n\n[[package]]\nname = \'serde\'\nversion = "1.0.1"\nsource = "registry+https://example.org"\nchecksum = "00"\n\n[metadata]\nname = "none"\n',
    ['app 0.1.0', 'serde 1.0.1'],
  ],
  [
    'Poetry',
    'poetry.lock',
    '[[package]]\nname = "flask"\ndescription = """\n[[package]]\nname = "not"\nversion = "1"\n"""\nversion = "2.0.1"\n\n[package.dependencies]\nclick = ">=8"\n',
    ['flask 2.0.1'],
  ],
  [
    'pnpm 5',
    'pnpm-lock.yaml',
    'lockfileVersion: 5.4\npackages:\n\n  /@scope/a/1.0.0:\n    dev: true\n\n  /b/2.0.0:\n    resolution: {integrity: x}\n',
    ['@scope/a 1.0.0', 'b 2.0.0'],
  ],
  [
    'pnpm 6',
    'pnpm-lock.yaml',
    "lockfileVersion: '6.0'\npackages:\n  /@scope/a@1.0.0(react@18.2.0):\n    dev: false\n  /b@2.0.0:\n    dev: false\n",
    ['@scope/a 1.0.0', 'b 2.0.0'],
  ],
  [
    'pnpm 9',
    'pnpm-lock.yaml',
    "lockfileVersion: '9.0'\npackages:\n  '@scope/a@1.0.0':\n    engines: {node: '>=18'}\n  b@2.0.0: {}\nsnapshots:\n  b@2.0.0: {}\n",
    ['@scope/a 1.0.0', 'b 2.0.0'],
  ],
  [
    'Yarn 1',
    'yarn.lock',
    '# yarn lockfile v1\n\n"@scope/a@^1.0.0", "@scope/a@^1.0.1":\n  version "1.0.5"\n  resolved "x"\n\nb@2:\n  version "2.0.0"\n',
    ['@scope/a 1.0.5', 'b 2.0.0'],
  ],
  [
    'Yarn 4',
    'yarn.lock',
    '__metadata:\n  version: 8\n\n"@scope/a@npm:^1.0.0":\n  version: 1.0.5\n  resolution: "@scope/a@npm:1.0.5"\n\n"app@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "app@workspace:."\n\n"b@npm:2, b@npm:^2.0":\n  version: 2.0.0\n  resolution: "b@npm:2.0.0"\n',
    ['@scope/a 1.0.5', 'b 2.0.0'],
  ],
  ['no lock file', 'Cargo.lock', 'package = 3\n', []],
  ['broken TOML', 'uv.lock', '[[package]\nname = \n', []],
  ['broken YAML', 'pnpm-lock.yaml', 'packages:\n\t- {', []],
  [
    'aliases of aliases',
    'pnpm-lock.yaml',
    `a: &a [x, x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`}, *${i === 0 ? 'a' : `b${i - 1}`}]\n`).join('')}`,
    [],
  ],
  ['names that are no text', 'Cargo.lock', '[[package]]\nname = 1\nversion = 2\n', []],
  ['a depth without end', 'pnpm-lock.yaml', `packages: ${'['.repeat(100_000)}`, []],
];

for (const [of, name, text, packages] of CASES) test(`${name} of ${of}`, () => assert.deepEqual(read(name, text), packages));
