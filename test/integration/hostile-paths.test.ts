// Every instruction and command that takes a path, against trees full of links to a folder of the host: nothing of that folder is
// read, written, removed or touched, whatever the stage, the context, the archive or the volume says.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import { type Member, makeTar } from '../../src/archive/testing.ts';
import { openContext, openNamedContext } from '../../src/builder/context/index.ts';
import { buildClassic, buildGraph, copyTree } from '../../src/builder/index.ts';
import type { BuildRequest } from '../../src/builder/types.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { type BuildFixture, buildFixture, textOf } from './build-fixture.ts';

let f: BuildFixture;
/** A folder of the host, at a path that images can have too. */
let host = '';
let untouched: readonly string[] = [];

before(() => {
  f = buildFixture();
  host = mkdtempSync(join(tmpdir(), 'slipway-host-'));
  mkdirSync(join(host, 'dir/below'), { recursive: true });
  mkdirSync(join(host, 'empty'));
  writeFileSync(join(host, 'secret'), 'of the host', { mode: 0o600 });
  writeFileSync(join(host, 'passwd'), 'own:x:7:7::/:/bin/sh\n');
  writeFileSync(join(host, 'emptyfile'), '');
  writeFileSync(join(host, 'dir/file'), 'of the host');
  chmodSync(join(host, 'dir'), 0o750);
  // older than a day: the next access would change the time of the last one (mount(8), relatime)
  for (const path of ['dir/below', 'dir/file', 'dir', 'empty', 'secret', 'passwd', 'emptyfile', '.'])
    utimesSync(join(host, path), 1e9, 1e9);
  untouched = state();
});
after(() => {
  f.dispose();
  rmSync(host, { recursive: true });
});
beforeEach(() => {
  rmSync(f.context, { recursive: true });
  mkdirSync(f.context);
});

/** All that a look at the folder can tell, but for what looking changes. */
function state(): string[] {
  const lines: string[] = [];
  const look = (path: string): void => {
    const { mode, uid, gid, nlink, size, mtimeMs, ctimeMs } = lstatSync(join(host, path));
    lines.push([path, mode, uid, gid, nlink, size, mtimeMs, ctimeMs].join(' '));
  };
  // by name: listing a folder is an access
  for (const path of ['.', 'dir', 'dir/below', 'dir/file', 'empty', 'secret', 'passwd', 'emptyfile']) look(path);
  lines.push(String(lstatSync(join(host, 'secret')).atimeMs), String(lstatSync(join(host, 'dir/file')).atimeMs));
  return lines;
}

function assertUntouched(what: string): void {
  assert.equal(state().join('\n'), untouched.join('\n'), `${what} touched the host`);
}

interface Built {
  readonly error: string;
  readonly hints: string;
  readonly output: string;
  /** Contents of the result's files by path. */
  readonly files: ReadonlyMap<string, string>;
}

async function build(dockerfile: string, o: Partial<BuildRequest> = {}, engine: 'graph' | 'classic' = 'graph'): Promise<Built> {
  const request = await f.request(dockerfile, o);
  let built: Built;
  try {
    const { image } = await (engine === 'graph' ? buildGraph(f.env, request) : buildClassic(f.env, request));
    const out = join(f.folder, 'out');
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    using lease = f.env.leases.create();
    if (image.layers.length > 0) await copyTree(f.env.layout, f.env.snapshots.view(await f.env.images.snapshot(image, lease)), out, 0);
    built = { error: '', hints: '', output: textOf(request.events), files: filesOf(out) };
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    built = { error: e.message, hints: e.hints.join('\n'), output: textOf(request.events), files: new Map() };
  }
  assertUntouched(dockerfile);
  for (const [path, text] of built.files) assert.doesNotMatch(text, /of the host/, `${dockerfile}: ${path}`);
  return built;
}

function filesOf(root: string): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && !path.includes('/bin/')) files.set(relative(root, path), readFileSync(path, 'utf8'));
    }
  };
  walk(root);
  return files;
}

/** A stage with links of all kinds to the host's folder, which it has too, with files of its own. */
const stage = (): string => `FROM base AS evil
RUN mkdir -p ${host}/dir /in/deep && echo own > ${host}/secret && echo own > ${host}/dir/file \\
 && ln -s ${host} /lnk && ln -s ../../../../../../../../..${host} /in/deep/up && ln -s /lnk /chain && ln -s ${host}/secret /leaf \\
 && ln -s ${host}/dir /in/dir
`;

test('COPY --from: links lead to the stage’s own files', async () => {
  const words = ['/lnk/secret', '/in/deep/up/secret', '/chain/secret', '/leaf', '/lnk/s*t', '/in/deep/../../chain/./secret'];
  const copies = words.map((w, i) => `COPY --from=evil ${w} /o${i}/f`).join('\n');
  const { files, error } = await build(`${stage()}FROM scratch\n${copies}\nCOPY --from=evil /lnk/dir /d/\nCOPY --from=evil /in /in/`);
  assert.equal(error, '');
  assert.deepEqual([...files].sort(), [['d/file', 'own\n'], ...words.map((_, i) => [`o${i}/f`, 'own\n'])].sort());
});

test('COPY --parents: links on the way are not followed', async () => {
  for (const word of [
    '/lnk/secret',
    '/lnk/./secret',
    '//lnk/secret',
    '/chain/./dir/file',
    '/in/deep/up/secret',
    '/in/./dir/file',
    '/./lnk/secret',
  ]) {
    const { files, error, hints } = await build(`${stage()}FROM scratch\nCOPY --parents --from=evil ${word} /`);
    if (files.size > 0) assert.deepEqual([...new Set(files.values())], ['own\n'], word);
    else assert.match(`${error}\n${hints}`, /not found\n.* is a symbolic link/, word);
  }
  const { files } = await build(`${stage()}FROM scratch\nCOPY --parents --from=evil /**/secret /in/deep /chain /o/`);
  assert.deepEqual([...files], [[`o${host}/secret`, 'own\n']]);
});

test('COPY and ADD from a context: a link that leaves it is not found, and said to', async () => {
  symlinkSync(host, join(f.context, 'lnk'));
  symlinkSync(join(host, 'secret'), join(f.context, 'leaf'));
  symlinkSync(relative(f.context, host), join(f.context, 'rel'));
  f.put('real/x', 'x');
  symlinkSync('real', join(f.context, 'inner'));
  for (const [engine, flags] of [
    ['graph', ''],
    ['graph', '--link'],
    ['graph', '--chown=7:7 --chmod=0600'],
    ['graph', '--exclude=none'],
    ['classic', ''],
  ] as const) {
    for (const word of ['lnk/secret', 'leaf', 'rel/dir', 'lnk/s*', 'lnk', 'rel/dir/file']) {
      for (const kind of ['COPY', 'ADD']) {
        const { error, hints, files } = await build(`FROM scratch\n${kind} ${flags} ${word} /o/`, {}, engine);
        assert.equal(files.size, 0, word);
        if (word.includes('*')) assert.match(error, /^$|no source files/);
        else
          assert.match(`${error}\n${hints}`, /(not found|does not exist)[^]*is a symbolic link to .* leads out of the build context/, word);
      }
    }
  }
  for (const word of ['lnk/secret', 'lnk/./secret', '//lnk/secret', 'lnk/./s*', '**/secret', 'rel/./**', 'real/../lnk/secret'])
    assert.equal((await build(`FROM scratch\nCOPY --parents ${word} /`)).files.size, 0, word);
  assert.deepEqual([...(await build('FROM scratch\nCOPY inner/x /i')).files], [['i', 'x']]);
  // links that are copied stay links, and are not followed by what comes after
  const { files } = await build('FROM base\nCOPY . /c\nRUN ls /c/lnk/secret || echo nothing > /said');
  assert.equal(files.get('said'), 'nothing\n');
});

test('destinations: links in the image stay in the image', async () => {
  f.put('a', 'a');
  f.put('d/x', 'x');
  writeFileSync(
    join(f.context, 't.tar'),
    makeTar([
      { path: 'y', content: 'y' },
      { path: 'z/', mode: 0o700 },
    ]),
  );
  for (const flags of ['', '--link', '--chown=7:7', '--chmod=0700', '--parents']) {
    const { error } = await build(
      `${stage()}COPY ${flags} a /lnk/\nCOPY ${flags} a /chain/dir/file\nCOPY ${flags} d /in/deep/up/new/\nCOPY ${flags} d /in/dir\nCOPY ${flags} <<E /lnk/here\nE\n`,
    );
    assert.ok(error === '' || /cannot (copy|replace)|not a directory/.test(error), `${flags}: ${error}`);
  }
  const { files } = await build(
    `${stage()}ADD t.tar /lnk/\nADD --chown=7:7 t.tar /in/dir/\nWORKDIR /lnk/made/by/workdir\nWORKDIR ../../up`,
  );
  assert.equal(files.get(`${host.slice(1)}/y`), 'y');
  await build(`${stage()}COPY a d /lnk/\nADD t.tar /chain\nWORKDIR /in/deep/up/w\nVOLUME /lnk/v /in/dir\nRUN true`, {}, 'classic');
});

test('mounts of RUN: sources and targets stay inside, and so do those who swap them', async () => {
  symlinkSync(host, join(f.context, 'lnk'));
  f.put('ok/f', 'f');
  const secrets = new Map([['s', { kind: 'value' as const, data: Buffer.from('s') }]]);
  for (const mount of [
    'bind,target=/m,source=lnk',
    'bind,target=/m,source=lnk/secret',
    'bind,target=/m,source=lnk/dir,rw',
    'bind,from=evil,source=/none/../lnk/none,target=/m',
  ]) {
    const { error } = await build(`${stage()}FROM base\nRUN --mount=type=${mount} cat /m/* /m`);
    assert.match(error, /no such file or directory|not found/, mount);
  }
  const { error, files } = await build(
    `${stage()}FROM base\nRUN --mount=type=bind,from=evil,source=/lnk,target=/m cat /m/secret > /o\n` +
      `RUN --mount=type=cache,from=evil,source=/chain/dir,target=/m,id=${Date.now()} cat /m/file >> /o`,
  );
  assert.equal(error, '');
  assert.equal(files.get('o'), 'own\nown\n');
  // the command replaces a directory above its mount point by a link to the host: there, an empty folder and an empty file have that name
  for (const [mount, name] of [
    ['type=tmpfs', 'empty'],
    ['type=tmpfs', 'new/deep'],
    ['type=cache', 'empty'],
    ['type=bind,source=ok', 'empty'],
    ['type=secret,id=s', 'emptyfile'],
  ] as const) {
    const swap = await build(
      `FROM base\nRUN --mount=${mount},target=/x/${name} mv /x /y && ln -s ${host} /x && mkdir -p ${host} && ln -s ${host} /z`,
      { secrets },
    );
    assert.match(swap.error, /^$|Device or resource busy|did not complete/, mount);
  }
  await build(`FROM base\nRUN mv /etc /e && ln -s ${host} /etc\nRUN true\nRUN rm /etc; mv /e /etc`);
  await build(`FROM scratch\nCOPY --from=base /bin /bin\nRUN ["/bin/sh", "-c", "mv /etc /e; ln -s ${host} /etc"]\nRUN ["/bin/true"]`);
});

test('mount points that are links are resolved inside, or refused', async () => {
  for (const engine of ['graph', 'classic'] as const) {
    for (const at of ['/dev', '/proc', '/sys']) {
      const { error } = await build(`FROM base\nCOPY --from=base /etc/passwd ${host}/here\nRUN true\nCOPY l ${at}`, {}, engine).catch(
        () => ({ error: '' }),
      );
      assert.ok(typeof error === 'string');
      rmSync(join(f.context, 'root'), { recursive: true, force: true });
      mkdirSync(join(f.context, 'root'));
      symlinkSync(host, join(f.context, 'root', at.slice(1)));
      const linked = await build(`FROM scratch\nCOPY root /\nCOPY bin /bin\nRUN ["/bin/sh", "-c", "true"]`, await withBin(), engine);
      assert.match(linked.error, new RegExp(`cannot mount .* at ${at}: it must be an ordinary directory`), engine);
    }
  }
  const { error, output } = await build(
    `FROM base\nRUN ln -s ${host} /lnk\nRUN --mount=type=tmpfs,target=/lnk/sub ls -d ${host}/sub && ! ls ${host}/secret`,
  );
  assert.equal(error, '', output);
});

/** The context with a shell in it. */
async function withBin(): Promise<Partial<BuildRequest>> {
  if (!existsSync(join(f.context, 'bin'))) {
    mkdirSync(join(f.context, 'bin'));
    const busybox = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim();
    writeFileSync(join(f.context, 'bin/sh'), readFileSync(busybox), { mode: 0o755 });
  }
  return {};
}

test('accounts that are no files: said at once, and nothing of the host opened', async () => {
  spawnSync('mkfifo', [join(f.context, 'fifo')]);
  symlinkSync(join(host, 'passwd'), join(f.context, 'linked'));
  f.put('a', 'a');
  for (const engine of ['graph', 'classic'] as const) {
    for (const file of ['passwd', 'group']) {
      const chown = await build(`FROM base\nRUN rm /etc/${file}\nCOPY fifo /etc/${file}\nCOPY --chown=name:name a /o`, {}, engine);
      assert.match(chown.error, new RegExp(`open /etc/${file}: not a regular file|no such user|can't find uid`));
    }
    const user = await build('FROM base\nRUN rm /etc/passwd\nCOPY fifo /etc/passwd\nUSER name\nRUN true', {}, engine);
    assert.match(user.error, /open \/etc\/passwd: not a regular file/);
    const huge = await build('FROM base\nRUN truncate -s 8M /etc/passwd\nUSER name\nRUN true', {}, engine);
    assert.match(huge.error, /open \/etc\/passwd: file too large/);
    const linked = await build(`FROM base\nRUN rm /etc/passwd && ln -s ${host}/passwd /etc/passwd\nUSER own\nRUN true`, {}, engine);
    assert.match(linked.error, /unable to find user own/);
    const program = await build('FROM base\nRUN mkfifo -m 777 /p\nRUN ["/p"]', {}, engine);
    assert.match(program.error, /permission denied/i);
  }
});

const options = {
  scratch: '',
  signal: new AbortController().signal,
  elsewhere: { environment: {}, secrets: new Map<string, never>() },
};

test('Dockerfiles and ignore lists: links stay in their folder, and only files are opened', async () => {
  writeFileSync(join(f.folder, 'elsewhere'), 'FROM scratch\n');
  const read = async (wording: 'graph' | 'classic', dockerfile?: string): Promise<string> => {
    using context = await openContext(
      { kind: 'directory', path: f.context },
      { ...options, scratch: f.folder, wording, cwd: f.context, ...(dockerfile !== undefined && { dockerfile }) },
    );
    return context.dockerfile().text;
  };
  f.put('sub/D', 'FROM scratch AS sub\n');
  spawnSync('mkfifo', [join(f.context, 'fifo')]);
  for (const wording of ['graph', 'classic'] as const) {
    for (const target of [join(host, 'secret'), '../elsewhere', join(f.folder, 'elsewhere'), '/dev/zero']) {
      rmSync(join(f.context, 'Dockerfile'), { force: true });
      symlinkSync(target, join(f.context, 'Dockerfile'));
      await assert.rejects(read(wording), /no such file or directory/, target);
      await assert.rejects(read(wording, 'Dockerfile'), /no such file or directory/, target);
    }
    rmSync(join(f.context, 'Dockerfile'));
    symlinkSync('sub/D', join(f.context, 'Dockerfile'));
    assert.equal(await read(wording), 'FROM scratch AS sub\n');
    for (const file of ['fifo', '/dev/zero', '/dev/null']) await assert.rejects(read(wording, file), /not a regular file/, file);
    for (const target of ['fifo', '/dev/zero']) {
      rmSync(join(f.context, '.dockerignore'), { force: true });
      if (target === 'fifo') linkSync(join(f.context, 'fifo'), join(f.context, '.dockerignore'));
      else symlinkSync(target, join(f.context, '.dockerignore'));
      if (target === 'fifo') await assert.rejects(read(wording), /\.dockerignore: not a regular file/);
      else assert.equal(await read(wording), 'FROM scratch AS sub\n');
    }
    rmSync(join(f.context, '.dockerignore'));
  }
  assertUntouched('Dockerfile');
});

test('named contexts stay in their folder', async () => {
  const folder = join(f.folder, 'named');
  mkdirSync(folder, { recursive: true });
  symlinkSync(host, join(folder, 'lnk'));
  const named = await openNamedContext('n', folder, { ...options, scratch: f.folder });
  const namedContexts = new Map([['n', named]]);
  for (const line of ['COPY --from=n lnk/secret /', 'COPY --from=n --parents lnk/secret /', 'ADD --from=n lnk /'])
    assert.equal((await build(`FROM scratch\n${line}`, { namedContexts })).files.size, 0, line);
  const { error } = await build('FROM base\nRUN --mount=type=bind,from=n,source=lnk,target=/m true', { namedContexts });
  assert.match(error, /not found/);
});

/** What archives try. */
const hostile = (): Record<string, Member[]> => ({
  'dot-dot': [{ path: `../../../../../../../..${host}/new`, content: 'x' }],
  absolute: [{ path: `${host}/secret`, content: 'x' }],
  'through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/secret', content: 'x' },
    { path: 'l/new/', mode: 0o700 },
  ],
  'through a chain': [
    { path: 'a', type: 'symlink', link: 'b' },
    { path: 'b', type: 'symlink', link: 'c/..' },
    { path: 'c', type: 'symlink', link: `../../../../../..${host}/dir` },
    { path: 'a/secret', content: 'x' },
  ],
  'a hard link outside': [
    { path: 'h', type: 'link', link: `${host}/secret` },
    { path: 'h', content: 'x' },
  ],
  'a hard link through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'h', type: 'link', link: 'l/secret' },
  ],
  'a directory onto a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/', mode: 0o777, uid: 7 },
    { path: 'l/secret', content: 'x' },
  ],
  'whiteouts through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/.wh.secret' },
    { path: 'l/.wh..wh..opq' },
    { path: '.wh...', content: '' },
  ],
  'a device': [
    { path: 'd', type: 'char', major: 1, minor: 5 },
    { path: 'd', content: 'x' },
  ],
  'attributes of overlays': [
    {
      path: 'o/',
      xattrs: new Map([
        ['trusted.overlay.redirect', Buffer.from(host)],
        ['trusted.overlay.opaque', Buffer.from('y')],
      ]),
    },
    { path: 'o/f', content: 'x' },
  ],
});

test('archives as contexts and for ADD leave the host alone', async () => {
  for (const [what, members] of Object.entries(hostile())) {
    const tar = makeTar(members);
    for (const bytes of [tar, tar.subarray(0, Math.floor(tar.length / 2) - 100)]) {
      writeFileSync(join(f.context, 'a.tar'), bytes);
      for (const engine of ['graph', 'classic'] as const) await build('FROM scratch\nADD a.tar /o/', {}, engine);
      await openContext({ kind: 'stream', stream: Readable.from([bytes]) }, { ...options, scratch: f.folder, wording: 'graph' }).then(
        (context) => context.dispose(),
        () => {},
      );
      assertUntouched(what);
    }
  }
});

test('layers leave the host alone', () => {
  for (const [what, members] of Object.entries(hostile())) {
    using lease = f.env.leases.create();
    const active = f.env.snapshots.prepare(null, lease);
    const applier = f.env.snapshots.applier(active.id);
    try {
      const parser = new TarParser(applier);
      parser.write(makeTar(members));
      parser.finish();
      applier.finish();
    } catch (e) {
      assert.ok(isSlipwayError(e), what);
      applier.abort();
    }
    f.env.snapshots.remove(active.id);
    assertUntouched(what);
  }
});

test('an output folder with links in it keeps what is written inside', async () => {
  const out = join(f.folder, 'linked-out');
  mkdirSync(out, { recursive: true });
  symlinkSync(host, join(out, 'dir'));
  f.put('dir/file', 'new');
  const request = await f.request('FROM scratch\nCOPY . /');
  const { image } = await buildGraph(f.env, request);
  using lease = f.env.leases.create();
  const view = f.env.snapshots.view(await f.env.images.snapshot(image, lease));
  await assert.rejects(copyTree(f.env.layout, view, out, 0), /cannot copy to non-directory/);
  assertUntouched('--output');
});
