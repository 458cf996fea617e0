// COPY, ADD and their content keys on real files: owners, modes, links, archives, and no way out of the root.
import { lutimesNs, removeXattr, setXattr } from '../../src/sys/index.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeTar } from '../../src/archive/testing.ts';
import { IgnoreMatcher } from '../../src/dockerfile/index.ts';
import { contentDigest } from '../../src/builder/steps/content.ts';
import { copyStep } from '../../src/builder/steps/copy.ts';
import { FileDigests } from '../../src/builder/steps/digests.ts';
import type { CopyRequest } from '../../src/builder/steps/types.ts';
import { workdirStep } from '../../src/builder/steps/workdir.ts';

let base = '';
let context = '';
let image = '';

beforeEach(() => {
  base = mkdtempSync('/dev/shm/slipway-copy-');
  context = join(base, 'context');
  image = join(base, 'image');
  mkdirSync(context);
  mkdirSync(image);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(path: string, text = 'x', mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

type Options = Partial<Omit<CopyRequest, 'sources' | 'destination'>> & { kind?: 'context' | 'stage'; ignore?: string[] };

async function copy(patterns: string | string[], destination: string, o: Options = {}): Promise<void> {
  const { kind = 'context', ignore, ...rest } = o;
  await copyStep(
    { path: image },
    {
      instruction: 'COPY',
      style: 'graph',
      workdir: '/',
      now: 1_600_000_000_000,
      destination,
      ...rest,
      sources: [{ root: context, patterns: [patterns].flat(), kind, ...(ignore ? { ignore: new IgnoreMatcher(ignore) } : {}) }],
    },
  );
}

/** The image as lines: path, type and mode, owner, what is in it. */
function tree(root = image): string[] {
  const out: string[] = [];
  const walk = (dir: string): void => {
    for (const name of readdirSync(dir).sort()) {
      const path = join(dir, name);
      const s = lstatSync(path);
      const what = s.isDirectory() ? 'd' : s.isSymbolicLink() ? 'l' : s.isFIFO() ? 'p' : s.isSocket() ? 's' : '-';
      const detail = s.isFile() ? ` ${readFileSync(path, 'utf8')}` : s.isSymbolicLink() ? ` -> ${readlinkSync(path)}` : '';
      out.push(`${path.slice(root.length)} ${what}${what === 'l' ? '' : (s.mode & 0o7777).toString(8)} ${s.uid}:${s.gid}${detail}`);
      if (s.isDirectory()) walk(path);
    }
  };
  walk(root);
  return out;
}

test('a directory gives its contents; what it holds belongs to root and keeps modes and times', async () => {
  put(join(context, 'd/f'), 'f', 0o4755);
  put(join(context, 'd/e/g'), 'g');
  chownSync(join(context, 'd/f'), 1000, 1000);
  chmodSync(join(context, 'd/f'), 0o4755);
  utimesSync(join(context, 'd/f'), 1_234_567_890, 1_234_567_890);
  await copy('d', '/to/here');
  assert.deepEqual(tree(), [
    '/to d755 0:0',
    '/to/here d755 0:0',
    '/to/here/e d755 0:0',
    '/to/here/e/g -644 0:0 g',
    '/to/here/f -4755 0:0 f',
  ]);
  assert.equal(lstatSync(join(image, 'to/here/f')).mtimeMs, 1_234_567_890_000);
  assert.equal(lstatSync(join(image, 'to')).mtimeMs, 1_600_000_000_000);
});

test('the original engine takes set-ID bits off files and leaves them on directories', async () => {
  put(join(context, 'd/f'), 'f', 0o6755);
  mkdirSync(join(context, 'd/s'));
  chmodSync(join(context, 'd/s'), 0o2770);
  await copy('d', '/d', { style: 'classic' });
  assert.deepEqual(tree(), ['/d d755 0:0', '/d/f -755 0:0 f', '/d/s d2770 0:0']);
});

test('a name that ends in a slash is a directory, another one is the file itself', async () => {
  put(join(context, 'a'), 'a');
  mkdirSync(join(image, 'there'));
  await copy('a', '/new/dir/');
  await copy('a', '/renamed');
  await copy('a', '/there');
  await copy('a', 'b', { workdir: '/w' });
  assert.deepEqual(
    tree().filter((l) => l.includes(' -')),
    ['/new/dir/a -644 0:0 a', '/renamed -644 0:0 a', '/there/a -644 0:0 a', '/w/b -644 0:0 a'],
  );
});

test('existing directories are merged and take the mode of the source; existing files are replaced', async () => {
  put(join(context, 't/shared/file'), 'new', 0o600);
  chmodSync(join(context, 't/shared'), 0o700);
  put(join(image, 'dst/shared/file'), 'old');
  put(join(image, 'dst/shared/keep'), 'keep');
  chownSync(join(image, 'dst/shared'), 5, 6);
  await copy('t', '/dst');
  assert.deepEqual(tree(), ['/dst d755 0:0', '/dst/shared d700 0:0', '/dst/shared/file -600 0:0 new', '/dst/shared/keep -644 0:0 keep']);
});

test('links in a tree stay links, a link that is named is followed, and never out of the root', async () => {
  put(join(context, 'd/file'), 'file');
  symlinkSync('file', join(context, 'd/rel'));
  symlinkSync('/etc/passwd', join(context, 'abs'));
  put(join(context, 'etc/passwd'), 'of the context');
  symlinkSync('../../../../etc/passwd', join(context, 'up'));
  await copy('d', '/d');
  await copy(['d/rel', 'abs', 'up'], '/x/');
  assert.deepEqual(tree(), [
    '/d d755 0:0',
    '/d/file -644 0:0 file',
    '/d/rel l 0:0 -> file',
    '/x d755 0:0',
    '/x/abs -644 0:0 of the context',
    '/x/rel -644 0:0 file',
    '/x/up -644 0:0 of the context',
  ]);
});

test('links of the image on the way to the destination are followed inside the image only', async () => {
  put(join(context, 'a'), 'a');
  symlinkSync(join(base, 'outside'), join(image, 'out'));
  symlinkSync('../../../../../../..', join(image, 'top'));
  mkdirSync(join(base, 'outside'));
  await copy('a', '/out/a');
  await copy('a', '/top/b');
  assert.deepEqual(readdirSync(join(base, 'outside')), []);
  assert.ok(lstatSync(join(image, base, 'outside/a')).isFile());
  assert.ok(lstatSync(join(image, 'b')).isFile());
});

test('--link replaces links on the way instead', async () => {
  put(join(context, 'a'), 'a');
  mkdirSync(join(image, 'real'));
  symlinkSync('real', join(image, 'alias'));
  await copy('a', '/alias/a', { link: true });
  assert.deepEqual(tree(), ['/alias d755 0:0', '/alias/a -644 0:0 a', '/real d755 0:0']);
});

test('hard links are kept within one source', async () => {
  put(join(context, 'd/a'), 'same');
  linkSync(join(context, 'd/a'), join(context, 'd/b'));
  await copy('d', '/d');
  await copy(['d/a', 'd/b'], '/two/');
  const ino = (path: string): number => lstatSync(join(image, path)).ino;
  assert.equal(ino('d/a'), ino('d/b'));
  assert.notEqual(ino('two/a'), ino('two/b'));
});

test('--chown by name and number, for what is copied and for directories made for it', async () => {
  put(join(image, 'etc/passwd'), 'root:x:0:0::/:\napp:x:1500:1600::/:\n');
  put(join(image, 'etc/group'), 'team:x:1700:\n');
  put(join(context, 'a'), 'a');
  const owner = async (chown: string): Promise<string> => {
    await copy('a', '/made/a', { chown });
    const s = lstatSync(join(image, 'made/a'));
    const d = lstatSync(join(image, 'made'));
    rmSync(join(image, 'made'), { recursive: true });
    assert.equal(`${s.uid}:${s.gid}`, `${d.uid}:${d.gid}`);
    return `${s.uid}:${s.gid}`;
  };
  assert.equal(await owner('app:team'), '1500:1700');
  assert.equal(await owner('app'), '1500:1600');
  assert.equal(await owner('7'), '7:7');
  assert.equal(await owner('9:team'), '9:1700');
  assert.equal(await owner('nosuch'), '0:0');
  await assert.rejects(copy('a', '/a', { chown: 'nosuch', style: 'classic' }), {
    code: 'copy.unknown-owner',
    message: /can't find uid for user nosuch/,
  });
  await assert.rejects(copy('a', '/a', { chown: 'app', style: 'classic' }), { message: /can't find gid for group app/ });
});

test('patterns match as filepath.Match does; one without a match is nothing to the graph engine and an error to the original', async () => {
  for (const n of ['a1.md', 'a9.md', 'ab.md', '.hidden', 'd/deep']) put(join(context, n), n);
  await copy('a[1-3].md', '/set/');
  await copy('*', '/all/');
  await copy('*/deep', '/deep/');
  await copy('*.none', '/none/');
  assert.deepEqual(
    tree()
      .filter((l) => l.includes(' -'))
      .map((l) => l.split(' ')[0]),
    ['/all/.hidden', '/all/a1.md', '/all/a9.md', '/all/ab.md', '/all/deep', '/deep/deep', '/set/a1.md'],
  );
  await assert.rejects(copy('*.none', '/none/', { style: 'classic' }), { message: 'COPY failed: no source files were specified' });
});

test('what is not there, or left out, is told in the words of each engine', async () => {
  put(join(context, 'secret'));
  await assert.rejects(copy('../secret', '/', { ignore: ['secret'] }), { code: 'copy.source-not-found', message: '"/secret": not found' });
  await assert.rejects(copy('nope', '/', { style: 'classic' }), {
    message: 'COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist',
  });
  await assert.rejects(copy('nope', '/', { style: 'classic', kind: 'stage' }), { message: 'COPY failed: stat nope: file does not exist' });
  await assert.rejects(copy('../secret', '/', { style: 'classic' }), {
    message: 'COPY failed: forbidden path outside the build context: ../secret ()',
  });
  put(join(image, 'file'));
  mkdirSync(join(context, 'd'));
  await assert.rejects(copy('d', '/file'), { message: 'cannot copy to non-directory: /file' });
  await assert.rejects(copy(['secret', 'd'], '/two', { style: 'classic' }), { message: /more than one source file/ });
});

test('ignored files stay out, and directories come with what is taken again', async () => {
  for (const n of ['docs/keep/b', 'docs/other', 'x.md', 'README.md']) put(join(context, n), n);
  await copy('.', '/', { ignore: ['*.md', '!README*.md', 'docs', '!docs/keep'] });
  assert.deepEqual(
    tree().map((l) => l.split(' ')[0]),
    ['/README.md', '/docs', '/docs/keep', '/docs/keep/b'],
  );
});

test('--exclude is about what lies below a source, --parents keeps the directories above it', async () => {
  for (const n of ['d/e/x', 'd/y.md', 'd/z', 'b.md']) put(join(context, n), n);
  await copy(['d', 'b.md'], '/one/', { excludes: ['*.md'] });
  await copy(['d/e/x', './d/./e'], '/two', { parents: true });
  await copy('**/x', '/three', { parents: true });
  assert.deepEqual(
    tree()
      .filter((l) => l.includes(' -'))
      .map((l) => l.split(' ')[0]),
    ['/one/b.md', '/one/e/x', '/one/z', '/three/d/e/x', '/two/d/e/x', '/two/e/x'],
  );
});

test('--chmod', async () => {
  put(join(context, 'd/f'), 'f');
  await copy('d', '/n', { chmod: '0600' });
  await copy('d/f', '/new/f', { chmod: '4711' });
  await copy('d', '/s', { chmod: 'u=rwX,go=' });
  assert.deepEqual(tree(), ['/n d600 0:0', '/n/f -600 0:0 f', '/new d711 0:0', '/new/f -4711 0:0 f', '/s d755 0:0', '/s/f -600 0:0 f']);
});

test('pipes are copied, sockets leave an empty file or nothing', async () => {
  mkdirSync(join(context, 'd'));
  execFileSync('mkfifo', [join(context, 'd/pipe')]);
  execFileSync('perl', [
    '-MIO::Socket::UNIX',
    '-e',
    'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1); chmod 0755, $ARGV[0]',
    join(context, 'd/sock'),
  ]);
  await copy('d', '/g');
  await copy('d', '/c', { style: 'classic' });
  assert.deepEqual(tree(), ['/c d755 0:0', '/c/pipe p644 0:0', '/g d755 0:0', '/g/pipe p644 0:0', '/g/sock -755 0:0 ']);
});

test('heredocs become files', async () => {
  await copyStep(
    { path: image },
    {
      instruction: 'COPY',
      style: 'graph',
      sources: [],
      files: [
        { name: 'ONE', data: Buffer.from('1\n') },
        { name: 'TWO', data: Buffer.from('2\n') },
      ],
      destination: '/dir/',
      workdir: '/',
      chown: '3:4',
      chmod: '755',
      now: 0,
    },
  );
  assert.deepEqual(tree(), ['/dir d755 3:4', '/dir/ONE -755 3:4 1\n', '/dir/TWO -755 3:4 2\n']);
});

test('ADD unpacks archives by their content, COPY never', async () => {
  put(join(base, 's/f'), 'f', 0o4755);
  chownSync(join(base, 's/f'), 12, 34);
  chmodSync(join(base, 's/f'), 0o4755);
  linkSync(join(base, 's/f'), join(base, 's/hard'));
  symlinkSync('/abs', join(base, 's/soft'));
  for (const [name, flag] of [
    ['plain', ''],
    ['gz.odd', 'z'],
    ['b', 'j'],
    ['x', 'J'],
  ] as const)
    execFileSync('tar', [`-c${flag}f`, join(context, name), '-C', join(base, 's'), '.']);
  put(join(context, 'text.tar'), 'no archive');
  for (const name of ['plain', 'gz.odd', 'b', 'x']) {
    await copy(name, `/${name}/`, { instruction: 'ADD' });
    assert.deepEqual(tree(join(image, name)), ['/f -4755 12:34 f', '/hard -4755 12:34 f', '/soft l 0:0 -> /abs']);
  }
  await copy(['text.tar', 'plain'], '/kept/', { instruction: 'ADD', unpack: false });
  await copy('text.tar', '/text', { instruction: 'ADD' });
  await copy('plain', '/owned', { instruction: 'ADD', chown: '1:2' });
  assert.deepEqual(readdirSync(join(image, 'kept')), ['plain', 'text.tar']);
  assert.equal(readFileSync(join(image, 'text'), 'utf8'), 'no archive');
  assert.deepEqual(tree(join(image, 'owned')), ['/f -4755 1:2 f', '/hard -4755 1:2 f', '/soft l 1:2 -> /abs']);
});

test('an archive writes nothing outside of the image', async () => {
  const script = `
import io, sys, tarfile
t = tarfile.open(sys.argv[1], 'w')
def add(name, **k):
    i = tarfile.TarInfo(name)
    for a, v in k.items(): setattr(i, a, v)
    i.size = 4 if i.type == tarfile.REGTYPE else 0
    t.addfile(i, io.BytesIO(b'evil') if i.size else None)
exec(sys.argv[2])
t.close()`;
  const archive = (code: string): void => void execFileSync('python3', ['-c', script, join(context, 't.tar'), code]);
  mkdirSync(join(base, 'outside'));
  put(join(base, 'outside/victim'), 'safe');
  archive(`add('../outside/a')`);
  await assert.rejects(copy('t.tar', '/', { instruction: 'ADD' }), { code: 'archive.outside' });
  archive(`add('l', type=tarfile.SYMTYPE, linkname='${base}/outside'); add('l/a'); add('${base}/outside/b')`);
  await copy('t.tar', '/', { instruction: 'ADD' });
  archive(`add('h', type=tarfile.LNKTYPE, linkname='../../../../..${base}/outside/victim')`);
  await assert.rejects(copy('t.tar', '/', { instruction: 'ADD' }));
  assert.deepEqual(readdirSync(join(base, 'outside')), ['victim']);
  assert.equal(readFileSync(join(base, 'outside/victim'), 'utf8'), 'safe');
});

test('a content key tells all that differs in the image, and no times', () => {
  const key = (patterns: string[] = ['.'], o: { kind?: 'context' | 'stage'; ignore?: string[] } = {}): string =>
    contentDigest(context, patterns, {
      kind: o.kind ?? 'context',
      style: 'graph',
      ...(o.ignore ? { ignore: new IgnoreMatcher(o.ignore) } : {}),
    });
  put(join(context, 'd/a'), 'a');
  put(join(context, 'd/b'), 'b');
  const seen = new Set<string>([key()]);
  const differs = (change: () => void): void => {
    change();
    const next = key();
    assert.ok(!seen.has(next));
    seen.add(next);
  };
  const before = key();
  utimesSync(join(context, 'd/a'), 1, 1);
  chownSync(join(context, 'd/a'), 9, 9);
  assert.equal(key(), before);
  assert.notEqual(key(['.'], { kind: 'stage' }), before);
  differs(() => put(join(context, 'd/a'), 'A'));
  differs(() => chmodSync(join(context, 'd/a'), 0o755));
  differs(() => put(join(context, 'd/c'), ''));
  differs(() => symlinkSync('a', join(context, 'd/l')));
  differs(() => {
    rmSync(join(context, 'd/l'));
    symlinkSync('b', join(context, 'd/l'));
  });
  differs(() => mkdirSync(join(context, 'd/e')));
  differs(() => {
    rmSync(join(context, 'd/b'));
    linkSync(join(context, 'd/a'), join(context, 'd/b'));
  });
  const without = key(['d'], { ignore: ['d/z'] });
  put(join(context, 'd/z'), 'z');
  assert.equal(key(['d'], { ignore: ['d/z'] }), without);
  assert.throws(() => key(['nope']), { message: '"/nope": not found' });
});

test('remembered digests: an unchanged file is not read again, a fresh one is not trusted', () => {
  const file = join(base, 'digests');
  const old = Date.now() / 1000 - 100;
  put(join(context, 'a'), 'one');
  utimesSync(join(context, 'a'), old, old);
  const stat = (): Stats => lstatSync(join(context, 'a'));
  const first = new FileDigests(file);
  const fresh = first.digest(join(context, 'a'), stat());
  first.save();
  assert.throws(() => lstatSync(file), { code: 'ENOENT' }, 'its change time is of now: nothing may be remembered');
  const settled = Object.assign(stat(), { ctimeMs: old * 1000 });
  const second = new FileDigests(file);
  assert.equal(second.known(settled), undefined);
  assert.deepEqual(second.digest(join(context, 'a'), settled), fresh);
  second.save();
  const third = new FileDigests(file);
  assert.deepEqual(third.known(settled), fresh);
  assert.equal(third.known(Object.assign(stat(), { ctimeMs: old * 1000, size: 4 })), undefined);
  assert.equal(third.known(stat()), undefined, 'an attribute that changes changes the change time');
  writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 60), Buffer.alloc(100)]));
  assert.equal(new FileDigests(file).known(settled), undefined, 'a damaged file counts for nothing');
});

test('a file with capabilities is not remembered, and keeps them', async () => {
  const path = join(context, 'marked');
  put(path, 'one');
  setXattr(path, 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
  const old = Date.now() / 1000 - 100;
  utimesSync(path, old, old);
  const digests = new FileDigests(undefined);
  const options = { kind: 'context', style: 'graph', cache: digests } as const;
  const marked = contentDigest(context, ['marked'], options);
  assert.equal(digests.known(lstatSync(path)), undefined);
  removeXattr(path, 'security.capability');
  assert.notEqual(contentDigest(context, ['marked'], options), marked);
});

test('WORKDIR makes what is missing and leaves what is there', () => {
  mkdirSync(join(image, 'srv'));
  chownSync(join(image, 'srv'), 33, 1);
  chmodSync(join(image, 'srv'), 0o2750);
  put(join(image, 'file'));
  put(join(image, 'etc/passwd'), 'daemon:x:1:1::/:\n');
  assert.equal(workdirStep({ path: image }, '/srv', { style: 'graph', now: 0 }), false);
  workdirStep({ path: image }, '/srv/below', { style: 'graph', now: 0 });
  workdirStep({ path: image }, '/srv/classic', { style: 'classic', now: 0 });
  workdirStep({ path: image }, '/home/app', { style: 'graph', user: 'daemon', now: 0 });
  workdirStep({ path: image }, '/opt/app', { style: 'classic', user: 'daemon', now: 0 });
  assert.deepEqual(
    tree().filter((l) => / d\d/.test(l)),
    [
      '/etc d755 0:0',
      '/home d755 1:1',
      '/home/app d755 1:1',
      '/opt d755 0:0',
      '/opt/app d755 0:0',
      '/srv d2750 33:1',
      '/srv/below d2755 0:1',
      '/srv/classic d2755 0:0',
    ],
  );
  assert.throws(() => workdirStep({ path: image }, '/file', { style: 'graph', now: 0 }), { message: 'mkdir /file: not a directory' });
  assert.throws(() => workdirStep({ path: image }, '/file', { style: 'classic', now: 0 }), {
    message: 'Cannot mkdir: /file is not a directory',
  });
});

test('below a set-group-ID directory files belong to root’s group all the same', async () => {
  put(join(context, 'f'));
  mkdirSync(join(image, 'local'));
  chownSync(join(image, 'local'), 0, 50);
  chmodSync(join(image, 'local'), 0o2775);
  await copy('f', '/local/');
  assert.deepEqual(tree(), ['/local d2775 0:50', '/local/f -644 0:0 x']);
});

test('--parents with a pattern before the pivot', async () => {
  put(join(context, 'x/b1/c/f'));
  put(join(context, 'x/b2/c/g'));
  await copy(['x/b*/./c'], '/o/', { parents: true });
  assert.deepEqual(tree(), ['/o d755 0:0', '/o/c d755 0:0', '/o/c/f -644 0:0 x', '/o/c/g -644 0:0 x']);
  await assert.rejects(copy(['none/./**'], '/p/', { parents: true }), { message: '"/none": not found' });
});

test('patterns that are none, and owners that nobody can know', async () => {
  put(join(context, 'f'));
  await assert.rejects(copy('a[', '/x/'), { message: 'invalid includepatterns: [a[]: syntax error in pattern' });
  await assert.rejects(copy('a[', '/x/', { style: 'classic' }), { code: 'copy.no-sources' });
  await assert.rejects(copy('f', '/x/', { chown: 'daemon' }), { code: 'copy.unknown-owner' });
});

test('names of archives are bytes, the top of one says nothing, and a hard link to nowhere is an error', async () => {
  const names = ['x\udcff', 'x\udcfe', 'd\udcfd/y\udcfc'];
  const members = [
    { path: './', mode: 0o700 },
    ...names.map((path) => ({ path })),
    { path: 'l', type: 'symlink' as const, link: 'x\udcff' },
  ];
  writeFileSync(join(context, 'a.tar'), makeTar(members));
  await copy('a.tar', '/o/', { instruction: 'ADD' });
  assert.equal(lstatSync(join(image, 'o')).mode & 0o7777, 0o755);
  assert.deepEqual(readdirSync(join(image, 'o'), 'latin1').sort(), ['d\xfd', 'l', 'x\xfe', 'x\xff']);
  assert.deepEqual([...readlinkSync(join(image, 'o/l'), 'buffer')], [0x78, 0xff]);
  writeFileSync(join(context, 'b.tar'), makeTar([{ path: 'h', type: 'link', link: '../../etc/shadow' }]));
  await assert.rejects(copy('b.tar', '/p/', { instruction: 'ADD' }), { code: 'archive.entry' });
});

test('a directory of WORKDIR gets the time that is asked for, those above it do not', () => {
  workdirStep({ path: image }, '/w/x', { style: 'graph', now: 2_000_000_000_000, time: 1_500_000_000_000 });
  assert.deepEqual([lstatSync(join(image, 'w')).mtimeMs, lstatSync(join(image, 'w/x')).mtimeMs], [2_000_000_000_000, 1_500_000_000_000]);
});

test('a directory copied onto an existing one gives it its time, to the graph engine', async () => {
  const time = (path: string): number => lstatSync(join(image, path)).mtimeMs;
  put(join(context, 'd/x'));
  put(join(context, 'a'));
  utimesSync(join(context, 'd'), 1_500_000_000, 1_500_000_000);
  for (const [style, own] of [
    ['graph', 1_500_000_000_000],
    ['classic', undefined],
  ] as const) {
    mkdirSync(join(image, style));
    utimesSync(join(image, style), 5, 5);
    await copy('d', `/${style}`, { style });
    if (own === undefined) assert.ok(time(style) > 1_700_000_000_000);
    else assert.equal(time(style), own);
  }
  await copy(['a', 'd'], '/new/');
  assert.equal(time('new'), 1_500_000_000_000);
});

test('times before 1970 stay as they are; the original engine begins there', async () => {
  for (const name of ['d/f', 'd/sub/g']) put(join(context, name));
  symlinkSync('f', join(context, 'd/l'));
  for (const name of ['d/f', 'd/sub/g', 'd/l', 'd/sub', 'd']) {
    lutimesNs(join(context, name), -5_000_000_000n, -5_000_000_000n);
    assert.equal(lstatSync(join(context, name)).mtimeMs, -5000);
  }
  await copy('d', '/graph');
  await copy('d', '/classic', { style: 'classic' });
  for (const name of ['', 'f', 'l', 'sub', 'sub/g']) assert.equal(lstatSync(join(image, 'graph', name)).mtimeMs, -5000, name);
  for (const name of ['f', 'l', 'sub', 'sub/g']) assert.equal(lstatSync(join(image, 'classic', name)).mtimeMs, 0, name);
});

test('numbers of --chown are read as each engine reads them', async () => {
  put(join(image, 'etc/passwd'), 'root:x:70:71:::\nme:x:72:73:::\n');
  put(join(context, 'a'));
  const owner = async (chown: string, style: 'graph' | 'classic'): Promise<string> => {
    await copy('a', '/a', { chown, style });
    const { uid, gid } = lstatSync(join(image, 'a'));
    return `${uid}:${gid}`;
  };
  // 32 bits with a sign; what does not fit is a name, and one that nobody knows is root
  for (const [chown, is] of [
    ['+5', '5:5'],
    ['root', '0:0'],
    [':root', '0:0'],
    ['me:root', '72:0'],
    ['-1', '0:0'],
    ['-2', '4294967294:4294967294'],
    ['2147483648', '0:0'],
    ['99999999999', '0:0'],
  ] as const)
    assert.equal(await owner(chown, 'graph'), is, chown);
  for (const [chown, is] of [
    ['+5', '5:5'],
    ['-1:7', '0:7'],
    ['4294967294', '4294967294:4294967294'],
    ['4294967296', '0:0'],
    ['99999999999', '1215752191:1215752191'],
    ['root:3', '70:3'],
  ] as const)
    assert.equal(await owner(chown, 'classic'), is, chown);
  const refused = (chown: string, message: RegExp): Promise<void> => assert.rejects(owner(chown, 'classic'), { message });
  await refused('a:b:c', /: invalid chown string format: a:b:c$/);
  await refused('me', /: can't find gid for group me: open \/etc\/group: no such file or directory$/);
  rmSync(join(image, 'etc'), { recursive: true });
  rmSync(join(image, 'a'));
  assert.equal(await owner('root', 'graph'), '0:0', 'root needs no accounts');
});

test('to the original engine, nothing but a slash ends a directory, and a pattern is compared as written', async () => {
  put(join(context, 'd1/x'));
  await copy('d1/x', '/dot/.', { style: 'classic' });
  assert.ok(lstatSync(join(image, 'dot')).isFile());
  await copy('./d*', '/one/', { style: 'classic' });
  for (const pattern of ['d*/', '././d*', 'd1//*'])
    await assert.rejects(copy(pattern, '/two/', { style: 'classic' }), { code: 'copy.no-sources' });
  await assert.rejects(copy('/../d1', '/three', { style: 'classic' }), { code: 'copy.outside-context' });
  await copy('d*/', '/four/');
  assert.ok(lstatSync(join(image, 'four/x')).isFile());
});

test('links that lead in a circle, and patterns that are none, are mistakes of the user', async () => {
  put(join(context, 'a'));
  symlinkSync('l2', join(context, 'l1'));
  symlinkSync('l1', join(context, 'l2'));
  symlinkSync('/l', join(image, 'l'));
  for (const style of ['graph', 'classic'] as const) {
    await assert.rejects(copy('a', '/l/x', { style }), { code: 'path.too-many-links', message: /too many links/ });
    await assert.rejects(copy('l1', '/x', { style }), { code: 'path.too-many-links' });
  }
  await assert.rejects(copy('a', '/x', { excludes: ['['] }), { message: 'invalid excludepatterns: [[]: syntax error in pattern' });
  await assert.rejects(copy('a', '/x', { chmod: 'u+q' }), { message: /invalid syntax$/ });
});

test('an archive’s times that Docker cannot set become 1970', async () => {
  const times = { past: -5_000_000_000n, future: 1n << 64n, 'far/': 5_000_000_000_000_000_000n, 'dir/': -1n };
  writeFileSync(
    join(context, 't.tar'),
    makeTar(Object.entries(times).map(([path, mtimeNs]) => ({ path, mtimeNs, type: path.endsWith('/') ? 'dir' : 'file' }))),
  );
  await copy('t.tar', '/x/', { instruction: 'ADD' });
  const is = ['past', 'future', 'far', 'dir'].map((name) => lstatSync(join(image, 'x', name)).mtimeMs);
  assert.deepEqual(is, [0, 0, 5_000_000_000_000, 0]);
});

test('a user by name owns nothing in a stage that holds nothing', () => {
  for (const user of ['me', '1:us']) {
    assert.throws(() => workdirStep({ path: image }, '/a', { style: 'graph', user, now: 0 }), { message: 'invalid user index: -1' });
  }
  assert.equal(workdirStep({ path: image }, '/a', { style: 'graph', user: 'root', now: 0 }), true);
});
