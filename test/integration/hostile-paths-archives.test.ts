// What goes into files and folders of the user (`--output`, `save`, `export`, `copy`, `--cache-to`) and what comes out of them (`load`,
// `import`, `copy`, layouts as contexts), where these are full of links to a folder of the host (hostile-host.ts).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { makeTar, type Member, readTar } from '../../src/archive/testing.ts';
import { encodeJson, sha256 } from '../../src/model/index.ts';
import { tarTree } from '../../src/snapshot/index.ts';
import { CommandLine } from '../support/command-line.ts';
import { filesOf, hostileArchives, HostileBuilds } from './hostile-host.ts';

const attack = new HostileBuilds();
let slipway: CommandLine;

before(() => {
  const { folder, context } = attack.f;
  const [SLIPWAY_ROOT, SLIPWAY_RUN] = [join(folder, 'root'), join(folder, 'run')];
  slipway = new CommandLine({ env: { PATH: process.env['PATH'], HOME: folder, SLIPWAY_ROOT, SLIPWAY_RUN }, cwd: context });
});

/** Runs a command, which may fail but not touch the host, nor print what is in it. */
async function attempt(...args: string[]): Promise<{ status: number; text: string }> {
  const { status, stdout, stderr } = await slipway.run(args);
  const what = `slipway ${args.join(' ')}`;
  attack.assertUntouched(what);
  const text = stdout + stderr;
  assert.doesNotMatch(text, /of the host|fault of slipway/, what);
  return { status, text };
}

/** A new folder of the user's with these links in it. */
function folderOf(name: string, links: Readonly<Record<string, string>> = {}): string {
  const path = join(attack.f.folder, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  for (const [at, to] of Object.entries(links)) {
    mkdirSync(dirname(join(path, at)), { recursive: true });
    symlinkSync(to, join(path, at));
  }
  return path;
}

/** Everything that can be read below a folder without following links (readdir with `recursive` follows them). */
const textsBelow = (folder: string): string => [...filesOf(folder).values()].join('\n');

test('--output type=local: links in the folder are replaced by files, and never followed', async () => {
  const { f, host } = attack;
  f.put('Dockerfile', 'FROM scratch\nCOPY files /\n');
  for (const path of ['dir/file', 'secret', 'emptyfile', 'deep/er/file']) f.put(`files/${path}`, 'new');
  symlinkSync(host, join(f.context, 'files/brought'));
  const links: Readonly<Record<string, string>>[] = [
    { dir: join(host, 'dir') },
    { secret: join(host, 'secret') },
    { emptyfile: `../../../../../../../..${host}/emptyfile` },
    { 'dir/file': join(host, 'dir/file') },
    { deep: join(host, 'empty') },
    { 'deep/er': join(host, 'dir') },
    { 'provenance.json': join(host, 'secret'), 'sbom.spdx.json': join(host, 'emptyfile') },
    { linux_amd64: join(host, 'dir') },
  ];
  for (const [n, some] of links.entries()) {
    for (const more of ['', ',platform-split=true']) {
      const out = folderOf(`local-${n}`, some);
      await attempt('build', '-q', '-o', `type=local,dest=${out}${more}`, '.');
      await attempt('build', '-q', '--provenance=true', '--sbom=true', '-o', `type=local,dest=${out}${more}`, '.');
      await attempt('build', '-q', '--build-arg', 'SOURCE_DATE_EPOCH=1', '-o', `type=local,dest=${out}${more}`, '.');
      assert.doesNotMatch(textsBelow(out), /of the host/);
    }
  }
  const { status, text } = await attempt('build', '-q', '-o', folderOf('local', { deep: join(host, 'empty') }), '.');
  assert.notEqual(status, 0);
  assert.match(text, /cannot copy to non-directory/);
});

test('--output: what a first result left does not lead a second one astray', async () => {
  const { f, host } = attack;
  const out = folderOf('twice');
  f.put(
    'one/Dockerfile',
    `FROM base AS b\nRUN mkdir /o && ln -s ${host} /o/lnk && ln -s ${host}/secret /o/leaf\nFROM scratch\nCOPY --from=b /o /\n`,
  );
  f.put(
    'two/Dockerfile',
    'FROM base AS b\nRUN mkdir -p /o/lnk && echo x > /o/lnk/secret && echo x > /o/leaf\nFROM scratch\nCOPY --from=b /o /\n',
  );
  assert.equal((await attempt('build', '-q', '-o', out, 'one')).status, 0);
  await attempt('build', '-q', '-o', out, 'two');
  for (const type of ['tar', 'oci', 'docker']) {
    const dest = join(f.folder, `one.${type}`);
    assert.equal((await attempt('build', '-q', '-o', `type=${type},dest=${dest}`, 'one')).status, 0);
    assert.doesNotMatch(readFileSync(dest, 'latin1'), /of the host/);
  }
  const links = readTar(readFileSync(join(f.folder, 'one.tar'))).map(({ entry }) => [entry.path, entry.type, entry.link]);
  assert.deepEqual(links.sort(), [
    ['leaf', 'symlink', `${host}/secret`],
    ['lnk', 'symlink', host],
  ]);
});

/** Links in the place of what a layout is made of. */
const inLayouts = (host: string, digests: readonly string[] = []): Readonly<Record<string, string>>[] => [
  { blobs: join(host, 'dir') },
  { 'blobs/sha256': join(host, 'dir') },
  { 'blobs/sha256': `../../../../../../..${host}/empty` },
  { 'index.json': join(host, 'secret') },
  { 'index.json': join(host, 'emptyfile') },
  { 'oci-layout': join(host, 'secret') },
  { 'oci-layout': join(host, 'nowhere') },
  ...digests.map((digest) => ({ [`blobs/sha256/${digest}`]: join(host, 'secret') })),
];

test('layouts as targets: --output, --cache-to and copy write inside the folder', async () => {
  const { f, host } = attack;
  f.put('Dockerfile', 'FROM base\nRUN echo x > /x\n');
  const plain = folderOf('layout');
  assert.equal((await attempt('build', '-q', '-t', 'hostile', '-o', `type=oci,tar=false,dest=${plain}`, '.')).status, 0);
  const digests = readdirSync(join(plain, 'blobs/sha256'));
  assert.ok(digests.length >= 3);
  for (const [n, links] of inLayouts(host, digests).entries()) {
    const target = (name: string): string => folderOf(`${name}-${n}`, links);
    await attempt('build', '-q', '-o', `type=oci,tar=false,dest=${target('plain')}`, '.');
    await attempt('build', '-q', '-o', `type=oci,tar=false,compression=gzip,dest=${target('packed')}`, '.');
    await attempt('build', '-q', '--cache-to', `type=local,dest=${target('cache')}`, '.');
    await attempt('copy', '-q', `oci:${plain}`, `oci:${target('copied')}:name`);
    for (const name of ['plain', 'packed', 'cache', 'copied'])
      assert.doesNotMatch(textsBelow(join(f.folder, `${name}-${n}`)), /of the host/);
  }
});

test('layouts as sources: load, copy, --cache-from and contexts read nothing outside', async () => {
  const { f, host } = attack;
  f.put('Dockerfile', 'FROM base\nRUN echo x > /x\n');
  const plain = folderOf('layout');
  assert.equal((await attempt('build', '-q', '-o', `type=oci,tar=false,dest=${plain}`, '.')).status, 0);
  f.put('upon/Dockerfile', 'FROM given\nCOPY --from=given / /\n');
  for (const [n, links] of inLayouts(host, readdirSync(join(plain, 'blobs/sha256'))).entries()) {
    const from = join(f.folder, `from-${n}`);
    rmSync(from, { recursive: true, force: true });
    cpSync(plain, from, { recursive: true });
    for (const [at, to] of Object.entries(links)) {
      rmSync(join(from, at), { recursive: true, force: true });
      symlinkSync(to, join(from, at));
    }
    await attempt('load', '-q', '-i', from);
    const out = folderOf(`to-${n}`);
    await attempt('copy', '-q', `oci:${from}`, `oci:${out}`);
    assert.doesNotMatch(textsBelow(out), /of the host/);
    await attempt('build', '-q', '--cache-from', `type=local,src=${from}`, '.');
    await attempt('build', '-q', '--build-context', `given=oci-layout://${from}`, 'upon');
    for (const archive of [`from-${n}.tar`]) {
      const path = join(f.folder, archive);
      spawnSync('tar', ['-cf', path, '-C', from, '.']);
      await attempt('load', '-q', '-i', path);
      await attempt('copy', '-q', `oci-archive:${path}`, `oci:${folderOf(`to-tar-${n}`)}`);
    }
  }
});

/** An archive for `docker load` with one image of this layer; `change` may replace its documents. */
function imageOf(layer: Buffer, change: (members: Member[], manifest: Record<string, unknown>) => void = () => {}): Buffer {
  const config = encodeJson({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [sha256(layer)] } });
  const manifest = { Config: 'config.json', RepoTags: ['loaded:latest'], Layers: ['layer.tar'] };
  const members: Member[] = [
    { path: 'config.json', content: config },
    { path: 'layer.tar', content: layer },
  ];
  change(members, manifest);
  return makeTar([...members, { path: 'manifest.json', content: encodeJson([manifest]) }]);
}

test('load and import: hostile layers leave the host alone, also when they are unpacked', async () => {
  const { f, host } = attack;
  f.put('Dockerfile', 'FROM loaded AS l\nFROM base\nCOPY --from=l / /l/\nRUN cat /l/* /l/*/* | grep "of the" && exit 1 || true\n');
  for (const [what, members] of Object.entries(hostileArchives(host))) {
    const layer = makeTar(members);
    const path = join(f.folder, 'hostile.tar');
    for (const [name, bytes, args] of [
      ['load', imageOf(layer), ['load', '-q', '-i', path]],
      ['import', layer, ['import', path, 'loaded:latest']],
    ] as const) {
      writeFileSync(path, bytes);
      await attempt('rmi', '-f', 'loaded');
      await attempt(...args);
      const { text } = await attempt('build', '--progress', 'plain', '.');
      assert.doesNotMatch(text, /did not complete/, `${name}: ${what}`);
      await attempt('save', '-o', join(f.folder, 'saved.tar'), 'loaded');
    }
  }
});

test('load: names in a manifest lead to members of the archive alone', async () => {
  const { f, host } = attack;
  const layer = makeTar([{ path: 'f', content: 'f' }]);
  for (const path of [join(host, 'secret'), `../../../../../../../..${host}/secret`, 'lnk', 'lnk/secret', './/lnk/../lnk/secret']) {
    for (const key of ['Config', 'Layers']) {
      const change = (members: Member[], manifest: Record<string, unknown>): void => {
        members.push({ path: 'lnk', type: 'symlink', link: path.includes('/') ? host : join(host, 'secret') });
        manifest[key] = key === 'Layers' ? [path] : path;
      };
      const archive = join(f.folder, 'names.tar');
      writeFileSync(archive, imageOf(layer, change));
      assert.notEqual((await attempt('load', '-q', '-i', archive)).status, 0);
      assert.notEqual((await attempt('copy', '-q', `docker-archive:${archive}`, `oci:${folderOf('names-out')}`)).status, 0);
      const folder = folderOf('names', { lnk: path.includes('/') ? host : join(host, 'secret') });
      for (const { entry, content } of readTar(readFileSync(archive))) {
        if (entry.type === 'file') writeFileSync(join(folder, entry.path), content);
      }
      assert.notEqual((await attempt('load', '-q', '-i', folder)).status, 0);
      assert.notEqual((await attempt('copy', '-q', `docker-archive:${folder}`, `oci:${folderOf('names-out')}`)).status, 0);
    }
  }
});

test('save and export write to no link, and to no file that one leads to', async () => {
  const { f, host } = attack;
  await attempt('create', '--name', 'saved', 'base', 'true');
  for (const target of [join(host, 'secret'), join(host, 'nowhere'), join(host, 'dir/none'), '/dev/full', join(host, 'dir')]) {
    const folder = folderOf('to-link', { out: target });
    for (const args of [
      ['save', '-o', join(folder, 'out'), 'base'],
      ['export', '-o', join(folder, 'out'), 'saved'],
    ]) {
      const { status, text } = await attempt(...args);
      assert.equal(status, 1);
      assert.match(
        text,
        target.endsWith('full') ? /no space left/ : target.endsWith('dir') ? /is a directory/ : /cannot write to a symbolic link directly/,
      );
      assert.deepEqual(readdirSync(folder), ['out']);
    }
  }
  // the folder itself may be reached by links, and devices are written to
  const through = join(folderOf('by-link', { folder: f.folder }), 'folder');
  for (const out of [join(through, 'saved.tar'), '/dev/null']) {
    assert.equal((await attempt('save', '-o', out, 'base')).status, 0);
    assert.equal((await attempt('export', '-o', out, 'saved')).status, 0);
  }
  await attempt('rm', 'saved');
});

test('a tree of which a program is at work: what it swaps for links while it is written leads nowhere', () => {
  const { host } = attack;
  const root = folderOf('live');
  for (const [name, size] of [
    ['d/a', 3 << 20],
    ['d/dir/file', 10],
    ['d/secret', 10],
    ['e/file', 10],
  ] as const) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), 'x'.repeat(size));
  }
  const chunks: Buffer[] = [];
  tarTree(root, (chunk) => {
    chunks.push(Buffer.from(chunk));
    if (existsSync(join(root, 'moved'))) return;
    // d/a is half written
    renameSync(join(root, 'd'), join(root, 'moved'));
    symlinkSync(host, join(root, 'd'));
    rmSync(join(root, 'e'), { recursive: true });
    symlinkSync(join(host, 'dir'), join(root, 'e'));
  });
  const tar = Buffer.concat(chunks);
  assert.doesNotMatch(tar.toString('latin1'), /of the host/);
  assert.ok(readTar(tar).some(({ entry }) => entry.path === 'd/dir/file'));
  attack.assertUntouched('a tree that changes');
});
