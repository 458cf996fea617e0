import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainId,
  chainIds,
  encodeJson,
  familiarName,
  familiarReference,
  formatPlatform,
  formatReference,
  isDigest,
  isSlipwayError,
  matchesPlatform,
  MediaType,
  supportedDigest,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parsePlatform,
  parseReference,
  sha256,
  SlipwayError,
  sniffMediaType,
  withDefaultTag,
} from './index.ts';

const hex = 'a'.repeat(64);

for (const [text, full, familiar] of [
  ['busybox', 'docker.io/library/busybox', 'busybox'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
  ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
  ['index.docker.io/library/busybox', 'docker.io/library/busybox', 'busybox'],
  ['me/tool', 'docker.io/me/tool', 'me/tool'],
  ['docker.io/library/me/tool', 'docker.io/library/me/tool', 'library/me/tool'],
  ['localhost/x', 'localhost/x', 'localhost/x'],
  ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
  ['[::1]:5000/a', '[::1]:5000/a', '[::1]:5000/a'],
  ['ghcr.io/o/r@sha256:' + hex, 'ghcr.io/o/r@sha256:' + hex, 'ghcr.io/o/r@sha256:' + hex],
  ['r:t@sha256:' + hex, 'docker.io/library/r:t@sha256:' + hex, 'r:t@sha256:' + hex],
  ['Upper/x', 'Upper/x', 'Upper/x'],
  ['a__b/c-.d'.replace('-.', '--'), 'docker.io/a__b/c--d', 'a__b/c--d'],
] as const) {
  test(`reference ${text}`, () => {
    assert.equal(formatReference(parseReference(text)), full);
    assert.equal(familiarReference(parseReference(text)), familiar);
    assert.deepEqual(parseReference(formatReference(parseReference(text))), parseReference(text));
  });
}

for (const [text, message] of [
  ['', 'invalid reference format'],
  ['BusyBox', 'invalid reference format: repository name (library/BusyBox) must be lowercase'],
  ['a/B:c', 'invalid reference format: repository name (a/B) must be lowercase'],
  ['a:b c', 'invalid reference format'],
  ['-a', 'invalid reference format'],
  ['a/../b', 'invalid reference format'],
  ['a:' + 'x'.repeat(129), 'invalid reference format'],
  ['a@sha256:abc', 'invalid reference format'],
  ['a@md5:' + 'a'.repeat(32), 'invalid reference format'],
  [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  ['x/' + 'a'.repeat(260), 'repository name must not be longer than 255 characters'],
] as const) {
  test(`refused reference ${JSON.stringify(text.slice(0, 20))}`, () =>
    assert.throws(() => parseReference(text), { kind: 'invalid-argument', code: 'reference.invalid', message }));
}

test('tags', () => {
  assert.equal(formatReference(withDefaultTag(parseReference('a'))), 'docker.io/library/a:latest');
  assert.equal(formatReference(withDefaultTag(parseReference(`a@sha256:${hex}`))), `docker.io/library/a@sha256:${hex}`);
  assert.equal(familiarName(parseReference('docker.io/library/a:1')), 'a');
});

test('digests and chains', () => {
  assert.equal(sha256('abc'), 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.ok(isDigest(`sha512:${'0'.repeat(128)}`));
  assert.throws(() => supportedDigest(`sha512:${'0'.repeat(128)}`), { kind: 'unsupported', code: 'digest.unsupported' });
  for (const bad of ['', 'sha256:', 'sha256:xyz', `sha256:${'A'.repeat(64)}`, `md5:${'0'.repeat(32)}`, hex]) assert.ok(!isDigest(bad));
  const [a, b, c] = [sha256('a'), sha256('b'), sha256('c')] as const;
  assert.equal(chainId([a]), a);
  assert.equal(chainId([a, b, c]), sha256(`${sha256(`${a} ${b}`)} ${c}`));
  assert.deepEqual(chainIds([a, b]), [a, chainId([a, b])]);
  assert.throws(() => chainId([]), RangeError);
});

for (const [text, formatted] of [
  ['linux/arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['Linux/armhf', 'linux/arm/v7'],
  ['amd64', 'linux/amd64'],
  ['macos/arm64', 'darwin/arm64'],
] as const) {
  test(`platform ${text}`, () => assert.equal(formatPlatform(parsePlatform(text)), formatted));
}

test('platforms that are refused, and that match', () => {
  for (const bad of ['', '/', 'a/b/c/d', 'linux/', 'sun', 'li nux/arm'])
    assert.throws(() => parsePlatform(bad), { code: 'platform.invalid' });
  const p = parsePlatform;
  assert.ok(matchesPlatform(p('linux/arm/v6'), p('linux/arm/v7')));
  assert.ok(!matchesPlatform(p('linux/arm/v7'), p('linux/arm/v6')));
  assert.ok(!matchesPlatform(p('linux/arm64'), p('linux/amd64')));
  assert.ok(matchesPlatform({ os: 'linux', architecture: 'aarch64', variant: 'v8' }, p('linux/arm64')));
});

const digest = sha256('x');
const descriptor = { mediaType: MediaType.ociConfig, digest, size: 1 };
const bytes = (value: unknown): Uint8Array => encodeJson(value);

test('manifests and indexes', () => {
  assert.equal(parseManifest(bytes({ schemaVersion: 2, config: descriptor, layers: [descriptor] })).layers.length, 1);
  assert.equal(parseIndex(bytes({ schemaVersion: 2, manifests: [] })).manifests.length, 0);
  for (const bad of [
    {},
    { schemaVersion: 1 },
    { schemaVersion: 2, config: { ...descriptor, size: -1 }, layers: [] },
    { schemaVersion: 2, config: { ...descriptor, digest: 'x' }, layers: [] },
    { schemaVersion: 2, config: descriptor, layers: 'x' },
    ...[{ annotations: { a: 1 } }, { annotations: 'x' }, { urls: 'x' }, { urls: [1] }, { platform: [] }, { platform: { os: 1 } }].map(
      (wrong) => ({ schemaVersion: 2, config: descriptor, layers: [{ ...descriptor, ...wrong }] }),
    ),
    { schemaVersion: 2, artifactType: {}, config: descriptor, layers: [] },
  ]) {
    assert.throws(() => parseManifest(bytes(bad)), { kind: 'data-loss', code: 'manifest.invalid' });
  }
  const nothing = { annotations: null, urls: null, platform: null };
  assert.deepEqual(parseIndex(bytes({ schemaVersion: 2, manifests: [{ ...descriptor, ...nothing }] })).manifests, [descriptor]);
  assert.throws(() => parseIndex(Buffer.from('not json')), { code: 'manifest.invalid' });
  assert.throws(() => parseIndex(bytes([])), { code: 'manifest.invalid' });
  assert.equal(sniffMediaType(bytes({ layers: [] })), MediaType.ociManifest);
  assert.equal(sniffMediaType(Buffer.from('x')), undefined);
});

test('configurations of images', () => {
  const rootfs = { type: 'layers', diff_ids: [digest] };
  const config = parseImageConfig(
    bytes({ architecture: 'amd64', os: 'linux', rootfs, config: { Cmd: null, Env: ['A=b'], Labels: null }, moby: 1 }),
  );
  assert.equal(config['moby'], 1);
  assert.deepEqual(config.rootfs.diff_ids, [digest]);
  assert.deepEqual(parseImageConfig(bytes({ rootfs: { type: 'layers', diff_ids: null } })).rootfs.diff_ids, []);
  for (const bad of [
    { rootfs: {} },
    { os: 1, rootfs },
    { rootfs: { type: 'layers', diff_ids: ['x'] } },
    { rootfs, config: { Env: 'x' } },
    { rootfs, config: { Volumes: [] } },
    { rootfs, history: [1] },
  ]) {
    assert.throws(() => parseImageConfig(bytes(bad)), { kind: 'data-loss', code: 'config.invalid' });
  }
});

test('errors keep kind, code, hints and cause', () => {
  const cause = new Error('deep');
  const e = new SlipwayError('not-found', 'image.not-found', 'No such image: x', { hints: ['look'], cause, exitCode: 125 });
  assert.ok(isSlipwayError(e) && !isSlipwayError(cause));
  assert.deepEqual(
    [e.kind, e.code, e.hints, e.cause, e.exitCode, e.source],
    ['not-found', 'image.not-found', ['look'], cause, 125, undefined],
  );
});
