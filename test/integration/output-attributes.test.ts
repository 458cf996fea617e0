// Attributes of `--output`, statements and annotations, as they end up in archives, folders and a registry; skopeo reads them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Shop, openShop } from '../support/shop.ts';

let shop: Shop;
let registry: TestRegistry;
let context: string;
const at = (name: string): string => join(shop.folder, name);

before(async () => {
  shop = openShop('attributes');
  registry = await startRegistry({ folder: at('registry') });
  context = at('context');
  mkdirSync(context);
  writeFileSync(join(context, 'file'), 'content\n');
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nARG TARGETARCH\nCOPY file /d/\nCOPY file /of/$TARGETARCH\n');
});
after(async () => {
  await registry.stop();
  shop.close();
});

interface Document {
  readonly mediaType: string;
  readonly layers: { readonly mediaType: string }[];
  readonly config: { readonly mediaType: string };
  readonly manifests: { readonly digest: string; readonly mediaType: string; readonly annotations?: Record<string, string> }[];
  readonly annotations?: Record<string, string>;
}
const skopeo = (...args: string[]): Document =>
  JSON.parse(execFileSync('skopeo', ['inspect', '--raw', '--tls-verify=false', ...args], { encoding: 'utf8' }));
const member = (archive: string, name: string): Document =>
  JSON.parse(execFileSync('tar', ['-xOf', at(archive), name], { encoding: 'utf8' }));
const types = ({ mediaType, config, layers }: Document): string[] => [
  mediaType,
  config.mediaType,
  ...new Set(layers.map((l) => l.mediaType)),
];

test('archives, layouts and pushes in the form that is asked for', async () => {
  const by = (name: string): string => `${registry.host}/${name}`;
  const outputs = [
    `type=docker,dest=${at('docker.tar')},compression=zstd,force-compression=true`,
    `type=oci,dest=${at('oci.tar')},oci-mediatypes=false,compression=gzip,compression-level=9`,
    `type=oci,dest=${at('layout')},tar=false,compression=uncompressed,annotation.a=b`,
    `type=image,name=${by('by-digest')},push=true,push-by-digest=true,store=false,annotation-index.on=list`,
    `type=registry,"name=${by('named:1')},${by('named:2')}",compression=zstd,dangling-name-prefix=kept`,
  ];
  const metadata = at('metadata.json');
  await shop.ok('build', '-q', '-t', 'one:1', '-t', 'two:2', ...outputs.flatMap((o) => ['-o', o]), '--metadata-file', metadata, context);

  const entries = member('docker.tar', 'index.json').manifests;
  assert.deepEqual(
    entries.map((m) => m.annotations?.['io.containerd.image.name']),
    ['docker.io/library/one:1', 'docker.io/library/two:2'],
  );
  const oci = 'application/vnd.oci.image';
  assert.deepEqual(types(member('docker.tar', `blobs/sha256/${entries[0]!.digest.slice(7)}`)), [
    `${oci}.manifest.v1+json`,
    `${oci}.config.v1+json`,
    `${oci}.layer.v1.tar+zstd`,
  ]);
  const docker = 'application/vnd.docker';
  assert.deepEqual(types(member('oci.tar', `blobs/sha256/${member('oci.tar', 'index.json').manifests[0]!.digest.slice(7)}`)), [
    `${docker}.distribution.manifest.v2+json`,
    `${docker}.container.image.v1+json`,
    `${docker}.image.rootfs.diff.tar.gzip`,
  ]);
  const layout = skopeo(`oci:${at('layout')}:1`);
  assert.deepEqual(types(layout).at(-1), `${oci}.layer.v1.tar`);
  assert.deepEqual(layout.annotations, { a: 'b' });
  for (const name of ['docker.tar', 'oci.tar']) await shop.elsewhere(`loaded-${name}`).ok('load', '-q', '-i', at(name));

  const ask = async (path: string) => (await (await fetch(`http://${by(path)}`)).json()) as { tags?: string[]; repositories?: string[] };
  assert.deepEqual((await ask('v2/_catalog')).repositories, ['by-digest', 'named']);
  assert.equal((await ask('v2/by-digest/tags/list')).tags, undefined, 'what is pushed by digest has no tag');
  const said = JSON.parse(readFileSync(metadata, 'utf8')) as Record<string, { digest: string; buildType: string }>;
  const { digest } = said['containerimage.descriptor']!;
  assert.match(said['buildx.build.provenance']!.buildType, /./);
  assert.ok(digest.startsWith('sha256:'));
  for (const tag of ['1', '2']) assert.match(types(skopeo(`docker://${by(`named:${tag}`)}`)).at(-1)!, /zstd$/);
  const kept = JSON.parse((await shop.ok('image', 'inspect', '--format', '{{json .RepoDigests}}', by('named:1'))).stdout) as string[];
  assert.ok(kept.some((name) => name.startsWith('kept@sha256:')) && kept.some((name) => name.startsWith(`${by('named')}@`)), kept.join());
});

test('files of several platforms, with statements, of one time', async () => {
  const wish = ['--platform', 'linux/amd64,linux/arm64', '--sbom', 'true', '--provenance', 'mode=max,version=v1,builder-id=https://ci/1'];
  const outputs = [`type=tar,dest=${at('files.tar')}`, `type=local,dest=${at('joined')},platform-split=false,attestation-prefix=p-`];
  const dated = shop.with({ SOURCE_DATE_EPOCH: '1000000000' });
  await dated.ok('build', '-q', ...wish, ...outputs.flatMap((o) => ['-o', o]), context);
  const listed = execFileSync('tar', ['-tvf', at('files.tar'), '--utc', '--full-time'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.deepEqual(
    listed.map((line) => line.split(' ').at(-1)),
    ['amd64', 'arm64'].flatMap((arch) =>
      ['', 'd/', 'd/file', 'of/', `of/${arch}`, 'sbom.spdx.json', 'provenance.json'].map((name) => `linux_${arch}/${name}`),
    ),
  );
  assert.ok(
    listed.every((line) => line.includes('2001-09-09 01:46:40')),
    listed.join('\n'),
  );
  assert.deepEqual(readdirSync(at('joined')).sort(), [
    'd',
    'of',
    ...['provenance', 'sbom.spdx'].flatMap((name) => ['amd64', 'arm64'].map((arch) => `p-${name}.linux_${arch}.json`)),
  ]);
  assert.deepEqual(readdirSync(join(at('joined'), 'of')).sort(), ['amd64', 'arm64']);
  assert.equal(statSync(join(at('joined'), 'd/file')).mtimeMs, 1e12);
  const stated = JSON.parse(readFileSync(join(at('joined'), 'p-provenance.linux_arm64.json'), 'utf8')) as {
    predicateType: string;
    subject: { name: string }[];
    predicate: { runDetails: { builder: { id: string } }; buildDefinition: { internalParameters: object } };
  };
  assert.equal(stated.predicateType, 'https://slsa.dev/provenance/v1');
  assert.deepEqual(
    stated.subject.map((s) => s.name),
    ['d/file', 'of/arm64'],
  );
  assert.equal(stated.predicate.runDetails.builder.id, 'https://ci/1');
  assert.ok('buildConfig' in stated.predicate.buildDefinition.internalParameters);
  assert.match((await shop.run('build', '--sbom', 'generator=x/y', context)).stderr, /no scanner is run/);
});
