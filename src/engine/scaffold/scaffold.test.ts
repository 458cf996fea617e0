import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile } from '../../dockerfile/index.ts';
import { LANGUAGE_NAMES, scaffold } from './scaffold.ts';
import type { ProjectFolder } from './types.ts';

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string>>): ProjectFolder {
  return {
    list: (path = '.') => {
      const prefix = path === '.' ? '' : `${path}/`;
      const below = Object.keys(files).filter((f) => f.startsWith(prefix));
      return [...new Set(below.map((f) => f.slice(prefix.length).split('/')[0] ?? ''))].sort();
    },
    read: (path) => files[path],
  };
}

const CASES: readonly (readonly [what: string, files: Readonly<Record<string, string>>, language: string, has: readonly string[]])[] = [
  ['a module with go.sum', { 'go.mod': '', 'go.sum': '', 'main.go': '' }, 'go', ['COPY go.mod go.sum ./', '-o /out/app .\n']],
  ['a program in cmd', { 'go.mod': '', 'cmd/serve/main.go': '' }, 'go', ['-o /out/app ./cmd/serve\n', '"run", "./cmd/serve"']],
  ['yarn', { 'package.json': '{"dependencies":{"a":"1"}}', 'yarn.lock': '' }, 'node', ['yarn install --frozen-lockfile --production']],
  ['pnpm', { 'package.json': '{"devDependencies":{"a":"1"}}', 'pnpm-lock.yaml': '' }, 'node', ['corepack pnpm install']],
  [
    'TypeScript',
    { 'package.json': '{"devDependencies":{"typescript":"7"},"scripts":{"build":"tsc","start":"node dist/x.js"}}', 'tsconfig.json': '{}' },
    'node',
    ['RUN npm run build', 'CMD ["node", "dist/x.js"]', 'COPY --from=build /app/dist ./dist', 'npm install'],
  ],
  ['a start that is no plain node', { 'package.json': '{"scripts":{"start":"a && node b"}}' }, 'node', ['CMD ["npm", "start"]']],
  ['a script of Python', { 'app.py': '' }, 'python', ['CMD ["python", "app.py"]', 'unittest']],
  [
    'pytest',
    { 'requirements.txt': '', 'requirements-dev.txt': 'pytest==8', 'main.py': '' },
    'python',
    ['-r requirements-dev.txt', 'python -m pytest'],
  ],
  ['pyproject', { 'pyproject.toml': '[project]', 'x/__main__.py': '' }, 'python', ['pip install --target /packages .', '"-m", "x"']],
  ['several programs of Rust', { 'Cargo.toml': '[package]\nname = "a"\n[[bin]]\nname = "b"\n' }, 'rust', ['release/b /out/app']],
  ['CMake', { 'CMakeLists.txt': 'add_executable(ship main.cc)' }, 'cpp', ['cp /build/ship /out/app', 'apt-get install']],
  ['make', { Makefile: 'TARGET = ship\n', 'main.cpp': '' }, 'cpp', ['LDFLAGS=-static ship', 'cp ship /out/app']],
  ['.NET', { 'Web/Web.csproj': '', 'Web.Tests/Web.Tests.csproj': '' }, 'dotnet', ['dotnet test Web.Tests', '"Web.dll"']],
  ['PHP without packages', { 'index.php': '' }, 'php', ['"-t", "."', 'php -l']],
  ['Composer with a lock', { 'composer.json': '{}', 'composer.lock': '' }, 'php', ['COPY composer.json composer.lock ./']],
  ['Maven', { 'pom.xml': '' }, 'java', ['jlink']],
  ['pages', { 'index.html': '' }, 'static', ['COPY . ./', 'USER 101:101']],
];

for (const [what, files, language, has] of CASES)
  test(`${what}: ${language}`, () => {
    const made = scaffold(folderOf(files));
    assert.equal(made.language.name, language);
    for (const text of has) assert.ok(made.dockerfile.includes(text), `${text} is not in\n${made.dockerfile}`);
    const { stages } = parseDockerfile(made.dockerfile);
    const names = stages.map((s) => s.name);
    assert.equal(names.at(-1), 'production');
    assert.ok(names.includes('test') && names.includes('development'), names.join());
    // a reason above each block
    for (const block of `${made.dockerfile}\n${made.dockerignore}`.split(/\n\n+/)) assert.match(block.trimStart(), /^# \S.*\.\n/);
  });

test('without packages there is nothing to install', () => {
  const made = scaffold(folderOf({ 'package.json': '{}', 'index.js': '' }));
  assert.doesNotMatch(made.dockerfile, /npm (?:ci|install)|node_modules/);
});

test('a strange name does not get into the Dockerfile', () => {
  const made = scaffold(folderOf({ 'Cargo.toml': '[package]\nname = "a; rm -rf /"\n', Makefile: '' }));
  assert.ok(made.dockerfile.includes('release/app /out/app'));
});

test('a folder of several languages names the others', () => {
  const made = scaffold(folderOf({ 'package.json': '{}', 'index.html': '', 'go.mod': '' }));
  assert.deepEqual([made.language.name, made.others.map((l) => l.name)], ['go', ['node', 'static']]);
  assert.equal(scaffold(folderOf({ 'package.json': '{}', 'go.mod': '' }), 'node').language.name, 'node');
});

test('what is not recognised, or no language, is refused', () => {
  assert.throws(() => scaffold(folderOf({ 'README.md': '' })), { code: 'init.not-recognised' });
  assert.throws(() => scaffold(folderOf({}), 'cobol'), { code: 'init.language' });
  assert.throws(() => scaffold(folderOf({ 'package.json': '{' })), { code: 'init.package-json' });
  for (const name of LANGUAGE_NAMES) assert.equal(scaffold(folderOf({}), name).language.by, '--language');
});
