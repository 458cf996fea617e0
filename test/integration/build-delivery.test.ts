// What becomes of a build: pushed, listed for several platforms, annotated, with statements; reproducible, and verified.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { readRpmHeader } from '../../src/engine/attest/system-packages.ts';
import { scan } from '../../src/engine/attest/index.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openShop } from '../support/shop.ts';

const shop = openShop('delivery');
const context = join(shop.folder, 'project');
let registry: TestRegistry;

const put = (path: string, text: string | Buffer, root = context): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};
const skopeo = (...args: string[]): string => execFileSync('skopeo', args, { encoding: 'utf8' });
const raw = (ref: string): { manifests: Descriptor[]; annotations?: Record<string, string>; layers?: Descriptor[] } =>
  JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${ref}`)) as ReturnType<typeof raw>;
interface Descriptor {
  digest: string;
  mediaType: string;
  size: number;
  platform?: { architecture: string; os: string };
  annotations?: Record<string, string>;
}

before(async () => {
  await shop.ok('bootstrap', 'busybox');
  put('Dockerfile', 'FROM busybox\nCOPY file /file\nRUN echo made > /made; mkdir /folder\n');
  put('file', 'content\n');
  put('cross.Dockerfile', 'FROM scratch\nARG TARGETARCH\nCOPY file /$TARGETARCH\n');
  registry = await startRegistry({ folder: join(shop.folder, 'registry') });
});
after(async () => {
  await registry.stop();
  shop.close();
});

test('--push: every name, and the digest goes where it is asked for', async () => {
  const [one, two] = [`${registry.host}/app:1`, `${registry.host}/app:2`];
  const [iid, metadata] = [join(shop.folder, 'iid'), join(shop.folder, 'metadata')];
  const { stdout } = await shop.ok('build', '-q', '--push', '-t', one, '-t', two, '--iidfile', iid, '--metadata-file', metadata, context);
  const digest = (JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${one}`)) as { Digest: string }).Digest;
  assert.equal(stdout.trim(), digest);
  assert.equal(readFileSync(iid, 'utf8'), digest);
  const told = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, string>;
  assert.equal(told['containerimage.digest'], digest);
  assert.equal(told['containerimage.config.digest'], await shop.id(one));
  assert.equal((JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${two}`)) as { Digest: string }).Digest, digest);
  assert.match((await shop.run('build', '--push', context)).stderr, /tag is needed when pushing/);
});

test('several platforms: a list, a layout, folders; and what the store does not keep is refused', async () => {
  const ref = `${registry.host}/cross:1`;
  const args = ['-f', join(context, 'cross.Dockerfile'), '--platform', 'linux/amd64,linux/arm64'];
  const { stderr } = await shop.ok('build', '--progress', 'plain', ...args, '--push', '-t', ref, context);
  assert.match(stderr, /\[linux\/arm64 1\/1\] COPY file \/arm64/);
  assert.deepEqual(
    raw(ref).manifests.map((m) => `${m.platform?.os}/${m.platform?.architecture}`),
    ['linux/amd64', 'linux/arm64'],
  );
  const arm = JSON.parse(skopeo('inspect', '--config', '--override-arch', 'arm64', '--tls-verify=false', `docker://${ref}`)) as {
    architecture: string;
  };
  assert.equal(arm.architecture, 'arm64');
  const folder = join(shop.folder, 'folders');
  await shop.ok('build', '-q', ...args, '-o', folder, context);
  assert.equal(readFileSync(join(folder, 'linux_arm64/arm64'), 'utf8'), 'content\n');
  assert.equal(readFileSync(join(folder, 'linux_amd64/amd64'), 'utf8'), 'content\n');
  const layout = join(shop.folder, 'layout.tar');
  await shop.ok('build', '-q', ...args, '-t', 'cross:1', '-o', `type=oci,dest=${layout}`, context);
  assert.match(skopeo('inspect', '--raw', `oci-archive:${layout}:1`), /arm64/);
  assert.match(
    (await shop.run('build', ...args, '-t', 'x', context)).stderr,
    /several platforms need a list, which the store does not keep/,
  );
});

test('each platform stands on the base image for it, and the name here stays with the one that runs here', async () => {
  const base = `${registry.host}/cross-base:1`;
  await shop.ok(
    'build',
    '-q',
    '-f',
    join(context, 'cross.Dockerfile'),
    '--platform',
    'linux/amd64,linux/arm64',
    '--push',
    '-t',
    base,
    context,
  );
  put('upon.Dockerfile', `FROM ${base}\nCOPY file /second\n`);
  const folder = join(shop.folder, 'upon');
  const upon = ['-f', join(context, 'upon.Dockerfile')];
  for (const platforms of ['linux/arm64,linux/amd64', 'linux/amd64,linux/arm64']) {
    rmSync(folder, { recursive: true, force: true });
    await shop.ok('build', '-q', ...upon, '--platform', platforms, '-o', folder, context);
    assert.deepEqual(readdirSync(join(folder, 'linux_arm64')).sort(), ['arm64', 'second']);
    assert.deepEqual(readdirSync(join(folder, 'linux_amd64')).sort(), ['amd64', 'second']);
  }
  const host = process.arch === 'arm64' ? 'arm64' : 'amd64';
  assert.equal((await shop.ok('image', 'inspect', '--format', '{{.Architecture}}', base)).stdout.trim(), host);
  put('local.Dockerfile', 'FROM --platform=linux/s390x busybox\n');
  assert.match(
    (await shop.run('build', '--progress', 'plain', '-f', join(context, 'local.Dockerfile'), context)).stderr,
    /what is here of this name is for linux\//,
  );
});

test('BUILDKIT_MULTI_PLATFORM makes a list of one platform as well', async () => {
  const ref = `${registry.host}/cross:one`;
  await shop.ok('build', '-q', '--build-arg', 'BUILDKIT_MULTI_PLATFORM=1', '--push', '-t', ref, context);
  assert.deepEqual(
    raw(ref).manifests.map((m) => m.platform?.os),
    ['linux'],
  );
});

test('a program for another processor says what is missing', async () => {
  put('foreign.Dockerfile', 'FROM busybox\nCOPY foreign /foreign\nRUN ["/foreign"]\n');
  const elf = Buffer.alloc(128);
  elf.write('\x7fELF', 'latin1');
  elf.set([2, 1, 1], 4);
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(0xf3, 18); // RISC-V
  put('foreign', elf);
  execFileSync('chmod', ['755', join(context, 'foreign')]);
  const { status, stderr } = await shop.run('build', '-f', join(context, 'foreign.Dockerfile'), context);
  assert.equal(status, 1);
  assert.match(stderr, /exec format error/i);
  assert.match(stderr, /binfmt/);
});

test('annotations: on the manifest, the list, the entry of a platform', async () => {
  const ref = `${registry.host}/annotated:1`;
  await shop.ok('build', '-q', '--push', '-t', ref, '--annotation', 'plain=1', context);
  const manifest = raw(ref);
  assert.deepEqual(manifest.annotations, { plain: '1' });
  assert.ok(manifest.layers, 'no list is made for a single image');
  const args = ['-f', join(context, 'cross.Dockerfile'), '--platform', 'linux/amd64,linux/arm64', '--push', '-t', ref];
  await shop.ok(
    'build',
    '-q',
    ...args,
    '--annotation',
    'index:on=list',
    '--annotation',
    'manifest-descriptor[linux/arm64]:on=entry',
    context,
  );
  const list = raw(ref);
  assert.deepEqual(list.annotations, { on: 'list' });
  assert.deepEqual(
    list.manifests.map((m) => m.annotations?.['on']),
    [undefined, 'entry'],
  );
  assert.match((await shop.run('build', '--annotation', 'wrong:a=b', context)).stderr, /unknown annotation type "wrong"/);
  assert.match((await shop.run('build', '--annotation', 'a=b', '-t', 'x', context)).stderr, /annotations need a list/);
});

test('SBOM and provenance: attached as BuildKit does, and beside the files of a folder', async () => {
  put('src/package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/left-pad': { version: '1.3.0' } } }));
  put('attested.Dockerfile', 'FROM busybox\nARG SECRET_ISH=1\nCOPY src /src\n');
  const ref = `${registry.host}/attested:1`;
  const file = join(context, 'attested.Dockerfile');
  await shop.ok(
    'build',
    '-q',
    '-f',
    file,
    '--sbom',
    'true',
    '--provenance',
    'true',
    '--build-arg',
    'SECRET_ISH=value',
    '--push',
    '-t',
    ref,
    context,
  );
  const [image, statements] = raw(ref).manifests;
  assert.equal(statements?.annotations?.['vnd.docker.reference.digest'], image?.digest);
  assert.equal(statements?.annotations?.['vnd.docker.reference.type'], 'attestation-manifest');
  assert.deepEqual(statements?.platform, { architecture: 'unknown', os: 'unknown' });
  const { layers = [] } = raw(`${registry.host}/attested@${statements?.digest}`);
  assert.deepEqual(
    layers.map((l) => l.annotations?.['in-toto.io/predicate-type']),
    ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2'],
  );
  const folder = join(shop.folder, 'attested');
  await shop.ok(
    'build',
    '-q',
    '-f',
    file,
    '--attest',
    'type=sbom',
    '--attest',
    'type=provenance,mode=max',
    '--build-arg',
    'SECRET_ISH=value',
    '-o',
    folder,
    context,
  );
  const sbom = JSON.parse(readFileSync(join(folder, 'sbom.spdx.json'), 'utf8')) as {
    predicate: { packages: { name: string; versionInfo: string }[] };
  };
  assert.deepEqual(
    sbom.predicate.packages.map((p) => `${p.name} ${p.versionInfo}`),
    ['left-pad 1.3.0'],
  );
  const text = readFileSync(join(folder, 'provenance.json'), 'utf8');
  const provenance = JSON.parse(text) as { predicate: { materials: { uri: string }[]; invocation: { parameters: { args: object } } } };
  assert.match(provenance.predicate.materials[0]?.uri ?? '', /^pkg:docker\/busybox@latest/);
  assert.deepEqual(provenance.predicate.invocation.parameters.args, { 'build-arg:SECRET_ISH': 'value' });
  rmSync(folder, { recursive: true });
  await shop.ok('build', '-q', '-f', file, '--provenance=mode=min', '--build-arg', 'SECRET_ISH=value', '-o', folder, context);
  assert.doesNotMatch(readFileSync(join(folder, 'provenance.json'), 'utf8'), /SECRET_ISH/);
  assert.match((await shop.run('build', '--sbom', 'true', '-t', 'x', context)).stderr, /attestations need a list/);
});

test('packages of dpkg, apk, rpm and of languages are found, and nothing outside of the root', () => {
  const root = join(shop.folder, 'rootfs');
  const at = (path: string, text: string | Buffer): void => put(path, text, root);
  at('etc/os-release', 'ID=debian\nVERSION_ID="12"\n');
  at(
    'var/lib/dpkg/status',
    'Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
  );
  at('lib/apk/db/installed', 'P:musl\nV:1.2.4\nA:x86_64\nL:MIT\n\n');
  at('app/Cargo.lock', '[[package]]\nname = "serde"\nversion = "1.0.1"\n');
  at('app/go.sum', 'example.org/mod v1.2.3 h1:abc\nexample.org/mod v1.2.3/go.mod h1:def\n');
  at('app/requirements.txt', 'flask==2.0.1 ; python_version > "3"\n# x==1\n');
  at('app/Gemfile.lock', 'GEM\n  specs:\n    rake (13.0.6)\n');
  at('app/yarn.lock', '"@scope/pkg@^1.0.0":\n  version "1.0.5"\n');
  // an index of one string: NAME (1000), VERSION (1001), RELEASE (1002)
  const strings = Buffer.from('zlib\0' + '1.3\0' + '2.fc40\0');
  const header = Buffer.alloc(8 + 3 * 16 + strings.length);
  header.writeUInt32BE(3, 0);
  header.writeUInt32BE(strings.length, 4);
  [0, 5, 9].forEach((offset, i) => [1000 + i, 6, offset, 1].forEach((n, j) => header.writeUInt32BE(n, 8 + i * 16 + j * 4)));
  strings.copy(header, 8 + 48);
  assert.equal(readRpmHeader(header).get(1000), 'zlib');
  mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
  const db = new DatabaseSync(join(root, 'var/lib/rpm/rpmdb.sqlite'));
  db.exec('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)');
  db.prepare('INSERT INTO Packages (blob) VALUES (?)').run(header);
  db.close();
  put('outside/package-lock.json', JSON.stringify({ packages: { 'node_modules/outside': { version: '1' } } }), shop.folder);
  execFileSync('ln', ['-s', join(shop.folder, 'outside'), join(root, 'link')]);
  assert.deepEqual(
    scan(root)
      .map((p) => p.purl)
      .sort(),
    [
      'pkg:apk/debian/musl@1.2.4?arch=x86_64&distro=debian-12',
      'pkg:cargo/serde@1.0.1',
      'pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12',
      'pkg:gem/rake@13.0.6',
      'pkg:golang/example.org/mod@v1.2.3',
      'pkg:npm/%40scope/pkg@1.0.5',
      'pkg:pypi/flask@2.0.1',
      'pkg:rpm/debian/zlib@1.3-2.fc40?distro=debian-12',
    ],
  );
});

test('--reproducible: the same image on two roots at different times; SOURCE_DATE_EPOCH bounds the times', async () => {
  const archive = join(shop.folder, 'busybox.tar');
  await shop.ok('save', '-o', archive, 'busybox');
  const other = shop.elsewhere('other');
  await other.ok('load', '-q', '-i', archive);
  const one = (await shop.ok('build', '-q', '--reproducible', '--no-cache', context)).stdout;
  const two = (await other.ok('build', '-q', '--reproducible', '--no-cache', context)).stdout;
  assert.equal(one, two);
  await other.ok('build', '-q', '--reproducible', '--build-arg', 'SOURCE_DATE_EPOCH=1000000', '-t', 'dated', context);
  assert.match((await other.ok('image', 'inspect', '--format', '{{.Created}}', 'dated')).stdout, /^1970-01-12T13:46:40Z/);
  assert.equal(
    (await other.ok('run', '--rm', '--network', 'none', 'dated', 'stat', '-c', '%Y', '/made', '/file')).stdout,
    '1000000\n1000000\n',
  );
  assert.match(
    (await other.run('build', '-o', 'type=image,rewrite-timestamp=true', context)).stderr,
    /rewrite-timestamp needs SOURCE_DATE_EPOCH/,
  );
});

test('--verify: what is the same twice is said to be, what is not is named', async () => {
  const same = await shop.ok('build', '-q', '--reproducible', '--verify', context);
  assert.match(same.stdout, /Verified: both builds gave sha256:/);
  const times = await shop.run('build', '-q', '--no-cache', '--verify', context);
  assert.equal(times.status, 1);
  assert.match(times.stdout, /configuration: .*created/);
  put('random.Dockerfile', 'FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /uuid; echo same > /same\n');
  const differs = await shop.run('build', '-q', '--reproducible', '--verify', '-f', join(context, 'random.Dockerfile'), context);
  assert.equal(differs.status, 1);
  assert.match(differs.stdout, /RUN .*random\/uuid.*\n {4}\/uuid: content\n$/);
});

test('--ssh: the socket of an agent, and what is none is refused', async () => {
  const path = join(shop.folder, 'agent.sock');
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    put(
      'ssh.Dockerfile',
      'FROM busybox\nRUN --mount=type=ssh,required test -S "$SSH_AUTH_SOCK"\nRUN --mount=type=ssh,id=other,target=/other test -S /other\n',
    );
    const args = ['build', '-q', '--no-cache', '-f', join(context, 'ssh.Dockerfile')];
    await shop.with({ SSH_AUTH_SOCK: path }).ok(...args, '--ssh', 'default', '--ssh', `other=${path}`, context);
    const none = await shop.run(...args, '--ssh', `other=${path}`, context);
    assert.match(none.stderr, /unset ssh forward key default/);
    assert.match((await shop.run(...args, '--ssh', `default=${join(context, 'file')}`, context)).stderr, /file: ssh: no key found/);
  } finally {
    server.close();
  }
});

test('several outputs of one build', async () => {
  const [layout, folder] = [join(shop.folder, 'several'), join(shop.folder, 'several.tar')];
  mkdirSync(layout);
  await shop.ok(
    'build',
    '-q',
    '-t',
    'several',
    '-o',
    `type=oci,dest=${layout},tar=false`,
    '-o',
    `type=tar,dest=${folder}`,
    '-o',
    'type=image',
    context,
  );
  assert.ok(readdirSync(layout).includes('index.json'));
  assert.ok(statSync(folder).size > 0);
  assert.match((await shop.ok('images')).stdout, /several/);
});
