import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOutput } from './output-spec.ts';

const parse = (type: string, attributes: Record<string, string> = {}) => parseOutput({ type, attributes }, '/here', true);

test('attributes of exporters', () => {
  const form = { force: false, dockerTypes: false, annotations: [] };
  const image = { kind: 'image', names: [], store: true, byDigest: false, canonical: false, insecure: false, form };
  const cases: readonly (readonly [ReturnType<typeof parse>, object])[] = [
    [parse('image'), { ...image, push: false }],
    [parse('image', { unpack: 'true', store: '0' }), { ...image, push: false, store: false }],
    [parse('registry', { name: 'a,b', 'registry.insecure': '' }), { ...image, push: true, names: ['a', 'b'], insecure: true }],
    [
      parse('image', { push: 'T', name: 'h/a', 'push-by-digest': '1', store: 'false' }),
      { ...image, push: true, names: ['h/a'], byDigest: true, store: false },
    ],
    [
      parse('image', { push: '', 'name-canonical': '', 'dangling-name-prefix': 'p', 'danging-name-empty-only': 'true' }),
      { ...image, push: true, canonical: true, dangling: { prefix: 'p', emptyOnly: true } },
    ],
    [
      parse('oci', { dest: 'x', compression: 'zstd', 'compression-level': '99', 'force-compression': 'true' }),
      {
        kind: 'archive',
        format: 'oci',
        names: [],
        dest: '/here/x',
        form: { ...form, force: true, compression: { kind: 'zstd', level: 22 } },
      },
    ],
    [
      parse('docker', { dest: 'x', 'compression-level': '0', 'oci-mediatypes': 'false' }),
      {
        kind: 'archive',
        format: 'docker',
        names: [],
        dest: '/here/x',
        form: { ...form, dockerTypes: true, compression: { kind: 'gzip', level: 0 } },
      },
    ],
    [
      parse('oci', {
        dest: 'x',
        tar: 'false',
        compression: 'uncompressed',
        'annotation-index[linux/arm64].org.x.y': 'z',
        'annotation.a': 'b',
      }),
      {
        kind: 'layout',
        names: [],
        dest: '/here/x',
        form: {
          ...form,
          compression: 'none',
          annotations: [
            { on: 'index', platform: 'linux/arm64', key: 'org.x.y', value: 'z' },
            { on: 'manifest', key: 'a', value: 'b' },
          ],
        },
      },
    ],
    [
      parse('local', { dest: 'x', 'platform-split': 'false', 'attestation-prefix': 'p-' }),
      { kind: 'local', dest: '/here/x', files: { split: false, attestationPrefix: 'p-' } },
    ],
    [parse('tar', { dest: 'x', 'source-date-epoch': '7' }), { kind: 'tar', dest: '/here/x', files: { attestationPrefix: '', epoch: 7 } }],
  ];
  for (const [parsed, expected] of cases) assert.deepEqual(parsed, expected);
});

test('attributes that contradict each other, or cannot be had, are refused', () => {
  const refused: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['image', { push: 'maybe' }, /non-bool value specified for push/],
    ['oci', { dest: 'x', compression: 'estargz' }, /estargz/],
    ['oci', { dest: 'x', compression: 'lzma' }, /unsupported layer compression type: lzma/],
    ['oci', { dest: 'x', compression: 'gzip', 'compression-level': 'best' }, /non-integer value "best"/],
    ['oci', { dest: 'x', compression: 'zstd', 'oci-mediatypes': 'false' }, /"compression=zstd" conflicts with "oci-mediatypes=false"/],
    ['oci', { dest: 'x', 'annotation.a': 'b', 'oci-mediatypes': 'false' }, /media types of OCI/],
    ['image', { 'rewrite-timestamp': 'true', unpack: 'true' }, /"rewrite-timestamp" conflicts with "unpack"/],
    ['registry', { name: 'h/a:1', 'push-by-digest': 'true' }, /can't push tagged ref h\/a:1 by digest/],
    ['image', { 'name-canonical': 'true' }, /name-canonical needs push=true/],
    ['image', { compression: 'zstd' }, /the store keeps an image in its own form/],
    ['local', { dest: 'x', compression: 'zstd' }, /no attribute "compression"/],
    ['local', { dest: 'x', 'annotation.a': 'b' }, /no attribute "annotation\.a"/],
    ['oci', { dest: 'x', 'annotation-index-descriptor.a': 'b' }, /no descriptor of a list/],
    ['tar', { dest: '' }, /refusing to write to console/],
    ['tmp', {}, /exporter "tmp" could not be found/],
  ];
  for (const [type, attributes, message] of refused) assert.throws(() => parse(type, attributes), message, JSON.stringify(attributes));
});
