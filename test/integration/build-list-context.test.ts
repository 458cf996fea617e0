// `build --list-context`: what the context holds, which step reads what, and what the ignore file leaves out.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop, Shop } from '../support/shop.ts';

const shop = openShop('list-context');
const context = join(shop.folder, 'project');
const FILES: Record<string, string> = {
  Dockerfile: `FROM busybox AS build
COPY src/*.c include /src/
RUN --mount=type=bind,source=tools,target=/t cp /t/tool /tool
FROM busybox AS test
COPY fixtures /f
FROM busybox
COPY --from=build /tool /tool
COPY --exclude=*.md docs /docs
`,
  '.dockerignore': '# built\nnode_modules\n*.log\n!keep.log\ncache/*\n!cache/seed\n',
  'src/a.c': 'a'.repeat(100),
  'src/notes': 'n',
  'include/a.h': 'h',
  'tools/tool': 't',
  'fixtures/big': 'b'.repeat(5000),
  'docs/page.html': 'p',
  'docs/README.md': 'r',
  'node_modules/x/index.js': 'x'.repeat(3000),
  'node_modules/y.js': 'y',
  'a.log': 'l',
  'keep.log': 'k',
  'cache/seed': 's',
  'cache/other': 'o',
};

before(async () => {
  await shop.makeImages();
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    writeFileSync(join(context, path), text);
  }
  symlinkSync('a.h', join(context, 'include/link.h'));
  symlinkSync('/etc', join(context, 'outside'));
});
after(() => shop.close());

const list = async (...args: string[]): Promise<string> => (await shop.ok('build', ...args, context)).stdout;

interface Listed {
  files: { path: string; size: number; readBy: string[] }[];
  excluded: { path: string; files: number; size: number; pattern: string; line: number }[];
  ignoreFile: string;
  missing: { step: string; message: string }[];
}

test('every file is listed with what reads it; a stage that the target does not need reads nothing', async () => {
  const { files, excluded, ignoreFile, missing } = JSON.parse(await list('--list-context=json')) as Listed;
  const copies = '[build 2/3] COPY src/*.c include /src/';
  assert.deepEqual(Object.fromEntries(files.map((f) => [f.path, f.readBy])), {
    '.dockerignore': [],
    Dockerfile: [],
    'cache/seed': [],
    'docs/README.md': [],
    'docs/page.html': ['[stage-2 3/3] COPY --exclude=*.md docs /docs'],
    'fixtures/big': [],
    'include/a.h': [copies],
    'include/link.h': [copies],
    'keep.log': [],
    outside: [],
    'src/a.c': [copies],
    'src/notes': [],
    'tools/tool': ['[build 3/3] RUN --mount=type=bind,source=tools,target=/t cp /t/tool /tool'],
  });
  assert.deepEqual(excluded, [
    { path: 'a.log', files: 1, size: 1, pattern: '*.log', line: 3 },
    { path: 'cache/other', files: 1, size: 1, pattern: 'cache/*', line: 5 },
    { path: 'node_modules/', files: 2, size: 3001, pattern: 'node_modules', line: 2 },
  ]);
  assert.deepEqual([ignoreFile, missing], ['.dockerignore', []]);
  const tested = JSON.parse(await list('--list-context=json', '--target', 'test')) as Listed;
  assert.deepEqual(
    tested.files.filter((f) => f.readBy.length > 0).map((f) => f.path),
    ['fixtures/big'],
  );
});

test('a table for people, paths for other programs, and no build', async () => {
  const history = async (): Promise<string> => (await shop.ok('builder', 'history', 'ls', '--format', '{{.Ref}}')).stdout;
  const before = await history();
  const text = await list('--list-context');
  assert.match(text, /^SIZE +FILE +READ BY\n5kB +fixtures\/big +-\n/);
  assert.match(text, /^SIZE +EXCLUDED +BY\n3\.001kB +node_modules\/ \(2 files\) +\.dockerignore:2: node_modules\n/m);
  assert.match(text, /\n\n13 files, [\d.]+kB; 8 files, [\d.]+kB, read by no step; 4 files, 3\.003kB, excluded\n$/);
  assert.deepEqual((await list('--list-context=paths')).split('\n').slice(0, 3), ['.dockerignore', 'Dockerfile', 'cache/seed']);
  assert.equal(await history(), before);
});

test('what a step misses is a warning; what is no format is refused, as is the original engine', async () => {
  writeFileSync(join(context, 'wrong'), 'FROM busybox\nCOPY a.log /\nCOPY src/notes /\n');
  const r = await shop.ok('build', '--list-context', '-f', join(context, 'wrong'), context);
  assert.match(r.stderr, /^WARN: \[2\/3\] COPY a\.log \/: .*"\/a\.log": not found/);
  assert.match(r.stdout, /^1B +src\/notes +\[3\/3\] COPY src\/notes \/$/m);
  const wrong = await shop.run('build', '--list-context=xml', context);
  assert.match(wrong.stderr, /invalid format "xml" of a context/);
  const classic = await new Shop(shop.folder, { ...shop.env, DOCKER_BUILDKIT: '0' }).run('build', '--list-context', context);
  assert.match(classic.stderr, /the --list-context option requires BuildKit/);
});
