// What comes from outside, broken byte by byte: archives, manifests, configurations, caches, challenges, addresses. No crash, no hang,
// and every rejection is a typed error.
//
//   SLIPWAY_FUZZ_SEED=123 SLIPWAY_FUZZ_MS=60000 node --test test/fuzz/outside.test.ts
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentSize, storedSize, TarParser } from '../../src/archive/index.ts';
import { encodePaxRecord } from '../../src/archive/pax.ts';
import { type Member, makeTar } from '../../src/archive/testing.ts';
import { parseOutput } from '../../src/engine/output-spec.ts';
import { parseTravelConfig } from '../../src/engine/travel/format.ts';
import { isSlipwayError, parseImageConfig, parseIndex, parseJsonValue, parseManifest, sha256 } from '../../src/model/index.ts';
import { parseChallenges } from '../../src/registry/challenge.ts';
import { parseServerErrors } from '../../src/registry/errors.ts';
import { gitSource, httpAuthorization, withoutCredentials } from '../../src/remote/index.ts';
import { broken, Random } from './grammar.ts';

const SEED = Number(process.env['SLIPWAY_FUZZ_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const DURATION = Number(process.env['SLIPWAY_FUZZ_MS'] ?? 1_000);

/** Anything but a typed error is a fault of ours and goes on up. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    assert.match(error.code, /^[a-z][a-z-]*\.[a-z][a-z0-9-]*$/);
    assert.notEqual(error.kind, 'internal', error.message);
    return undefined;
  }
}

const TYPES = ['file', 'dir', 'symlink', 'link', 'char', 'block', 'fifo'] as const;
const PAX: readonly [string, string][] = [
  ['path', 'a/b'],
  ['size', '3'],
  ['mtime', '1.5'],
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.map', '0,1,4,2'],
  ['GNU.sparse.realsize', '4096'],
  ['SCHILY.xattr.user.a', '\0'],
];

function archive(r: Random): Buffer {
  const members = r.many(4, (): Member => {
    const type = r.of(TYPES);
    const path = r.of(['a', 'dir/', '../up', '/abs', './x/../y', 'ü', 'n'.repeat(300), 'd/'.repeat(40)]);
    const extra = type === 'symlink' || type === 'link' ? { link: r.of(['a', '../../x', 'l'.repeat(120)]) } : {};
    return { path, type, uid: r.of([0, 5, 3_000_000_000]), ...extra, ...(type === 'file' && { content: 'c'.repeat(r.below(1200)) }) };
  });
  const records = Buffer.concat(r.many(3, () => encodePaxRecord(...r.of(PAX))));
  const extended = makeTar([{ path: 'PaxHeaders/x', content: records }], { end: false });
  if (r.below(2) === 0) extended[156] = r.of(['x', 'g', 'L', 'K', 'S']).charCodeAt(0);
  const tar = Buffer.concat([r.below(3) === 0 ? extended : Buffer.alloc(0), makeTar(members, { end: r.below(4) > 0 })]);
  for (let n = r.below(4); n > 0 && tar.length > 0; n--) {
    const block = 512 * r.below(Math.ceil(tar.length / 512));
    const at = Math.min(tar.length - 1, block + r.below(512));
    tar[at] = r.of([0, 0x20, 0x30, 0x37, 0x80, 0xff, r.below(256)]);
    // Half of the headers are right again, so that more than their checksum is looked at.
    if (r.below(2) === 0) seal(tar, block);
  }
  return r.below(5) === 0 ? tar.subarray(0, r.below(tar.length + 1)) : tar;
}

function seal(tar: Buffer, block: number): void {
  if (block + 512 > tar.length) return;
  tar.write('        ', block + 148, 'latin1');
  const sum = tar.subarray(block, block + 512).reduce((a, b) => a + b, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148, 'latin1');
}

/** All entries, and that what was announced of each is what came. */
function entriesOf(tar: Buffer, step: number): string[] {
  const seen: string[] = [];
  let left = 0;
  const parser = new TarParser({
    entry: (e) => {
      seen.push(`${e.type} ${e.path} ${e.size}`);
      left = storedSize(e);
      assert.ok(Number.isSafeInteger(e.size) && e.size >= 0);
    },
    data: (chunk) => void (left -= chunk.length),
    end: () => assert.equal(left, 0),
  });
  for (let at = 0; at < tar.length; at += step) parser.write(tar.subarray(at, at + step));
  parser.finish();
  return seen;
}

const digest = sha256('x');
const DOCUMENTS = [
  { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { mediaType: 'c', digest, size: 1 }, layers: [] },
  { schemaVersion: 2, manifests: [{ mediaType: 'm', digest, size: 2, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }] },
  { architecture: 'amd64', os: 'linux', config: { Env: ['A=b'], Labels: { a: 'b' } }, rootfs: { type: 'layers', diff_ids: [digest] } },
  {
    version: 1,
    layers: [{ diffId: digest, below: -1 }],
    records: [],
    aliases: { ['0'.repeat(64)]: { key: '1'.repeat(64), parts: [] } },
    mounts: [],
  },
].map((value) => JSON.stringify(value));
const HEADERS = [
  'Basic realm="a \\" b", Bearer realm="https://h/t",service="a, b",scope="x:pull,push"',
  'bEaReR a=b c = "d',
  'Negotiate abc==',
];
const ADDRESSES = ['https://u:p@h/a.git?tag=v1&subdir=x#refs/tags/v1:y', 'git@h:me/a.git?ref=x#y', 'http://h/%zz', 'https://[::1]:2/a.git'];

test(`broken input from outside, seed ${SEED}`, () => {
  const r = new Random(SEED);
  const end = performance.now() + DURATION;
  for (let round = 0; performance.now() < end; round++) {
    const tar = archive(r);
    const whole = attempt(() => entriesOf(tar, tar.length || 1));
    const pieces = attempt(() => entriesOf(tar, 1 + r.below(700)));
    assert.deepEqual(pieces, whole, `round ${round}: pieces say something else than the whole`);
    attempt(() => {
      const size = new ContentSize();
      size.write(tar);
      size.finish();
    });
    const document = Buffer.from(broken(r.of(DOCUMENTS), r));
    for (const parse of [parseManifest, parseIndex, parseImageConfig]) attempt(() => parse(document));
    attempt(() => parseTravelConfig(parseJsonValue(document, 'cache.invalid', 'cache')));
    attempt(() => parseServerErrors(document));
    const header = String(broken(r.of(HEADERS), r));
    for (const { scheme } of attempt(() => parseChallenges(header)) ?? []) assert.equal(scheme, scheme.toLowerCase());
    const address = String(broken(r.of(ADDRESSES), r));
    attempt(() => gitSource(address));
    attempt(() => withoutCredentials(address));
    attempt(() => httpAuthorization(address, () => undefined));
    const key = String(broken(r.of(['compression', 'annotation-index[a].b', 'push']), r));
    const type = r.of(['image', 'oci', 'docker', 'tar', 'local', 'registry']);
    attempt(() => parseOutput({ type, attributes: { dest: 'x', [key]: String(broken(r.of(['gzip', 'true', '3']), r)) } }, '/', true));
  }
});
