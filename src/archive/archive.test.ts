import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSlipwayError } from '../model/index.ts';
import { BLOCK, writeChecksum, writeOctal } from './fields.ts';
import { encodeHeader } from './encode.ts';
import type { TarEntry } from './entry.ts';
import { decodeName, encodeName, nativePath } from '../sys/index.ts';
import { encodePaxRecord, formatPaxTime, parsePaxRecords, parsePaxTime } from './pax.ts';
import { makeTar, readTar } from './testing.ts';
import { TarParser } from './parser.ts';

const base: TarEntry = { path: 'a', type: 'file', mode: 0o644, uid: 1, gid: 2, size: 0, mtimeNs: 5_000_000_000n };

/** A header block written field by field, for what the encoder would never write. */
function rawBlock(o: {
  name?: string;
  size?: string | Buffer;
  flag?: string;
  magic?: string;
  fields?: ReadonlyArray<readonly [number, string | Buffer]>;
}): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(o.name ?? 'f', 0, 100, 'latin1');
  writeOctal(block, 100, 8, 0o644);
  writeOctal(block, 108, 8, 0);
  writeOctal(block, 116, 8, 0);
  if (typeof o.size === 'string' || o.size === undefined) block.write(o.size ?? '00000000000', 124, 12, 'latin1');
  else o.size.copy(block, 124);
  writeOctal(block, 136, 12, 0);
  block.write(o.flag ?? '0', 156, 1, 'latin1');
  block.write(o.magic ?? 'ustar\u000000', 257, 8, 'latin1');
  for (const [at, value] of o.fields ?? []) (typeof value === 'string' ? Buffer.from(value, 'latin1') : value).copy(block, at);
  writeChecksum(block);
  return block;
}

const octal = (n: number): string => n.toString(8).padStart(11, '0');
const blocks = (data: string | Buffer): Buffer => {
  const bytes = Buffer.from(data);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
};
const end = Buffer.alloc(1024);
const extended = (flag: string, data: Buffer): Buffer => Buffer.concat([rawBlock({ flag, size: octal(data.length) }), blocks(data)]);
const pax = (...records: ReadonlyArray<readonly [string, string | Buffer]>): Buffer =>
  Buffer.concat(records.map(([k, v]) => encodePaxRecord(k, v)));

function fails(tar: Buffer, code: string): void {
  for (const step of [tar.length, 100]) {
    assert.throws(
      () => readTar(tar, step),
      (error) => isSlipwayError(error) && error.code === code && /\(at byte \d+\)/.test(error.message),
    );
  }
}

test('every field survives a round trip, in pieces of any size', () => {
  const entries: TarEntry[] = [
    base,
    { ...base, path: 'dir/', type: 'dir', mode: 0o1777 },
    { ...base, path: `${'p'.repeat(120)}/${'n'.repeat(90)}`, size: 3 },
    { ...base, path: 'x'.repeat(300), uid: 3_000_000_000, gid: 2_097_152 },
    { ...base, path: 'ü ✓', type: 'symlink', link: `ö${'l'.repeat(200)}` },
    { ...base, path: 'time', mtimeNs: 1_234_567_890_123_456_789n },
    { ...base, path: 'before', mtimeNs: -1_500_000_000n },
    { ...base, path: 'null', type: 'char', major: 1, minor: 3 },
    { ...base, path: 'disk', type: 'block', major: 4095, minor: 1_048_575 },
    { ...base, path: 'pipe', type: 'fifo' },
    { ...base, path: 'hard', type: 'link', link: 'a' },
    { ...base, path: 'owned', uname: 'root', gname: 'wheel' },
    {
      ...base,
      path: 'caps',
      xattrs: new Map([
        ['user.b', Buffer.from([0, 10, 61, 255])],
        ['security.capability', Buffer.from('\u0001')],
      ]),
    },
    { ...base, path: 'raw\udcff\udc80name', size: 700 },
  ];
  const tar = makeTar(entries.map((e) => ({ ...e, content: Buffer.alloc(e.size, 'c') })));
  for (const step of [tar.length, 1, 511, 512, 513, 1000]) {
    const read = readTar(tar, step);
    assert.deepEqual(
      read.map((m) => m.entry),
      entries,
    );
    assert.deepEqual(
      read.map((m) => m.content.length),
      entries.map((e) => e.size),
    );
  }
});

test('plain entries are a single ustar block', () => {
  assert.equal(encodeHeader(base).length, BLOCK);
  assert.equal(encodeHeader({ ...base, path: `${'d'.repeat(155)}/${'n'.repeat(100)}` }).length, BLOCK);
  assert.ok(encodeHeader({ ...base, path: 'n'.repeat(101) }).length > BLOCK);
  assert.ok(encodeHeader({ ...base, size: 8 * 2 ** 30 }).length > BLOCK);
});

test('names keep bytes that are not UTF-8', () => {
  for (const bytes of [
    Buffer.from([0x61, 0xff, 0x62]),
    Buffer.from([0xc3]),
    Buffer.from([0xed, 0xb2, 0x80]),
    Buffer.from('plain ✓ 😀\ufffd'),
  ]) {
    assert.deepEqual(encodeName(decodeName(bytes)), bytes);
  }
  assert.equal(nativePath('😀'), '😀');
  assert.ok(Buffer.isBuffer(nativePath(decodeName(Buffer.from([0xff])))));
});

test('PAX records and times', () => {
  assert.equal(encodePaxRecord('k', 'v').toString(), '6 k=v\n');
  assert.equal(encodePaxRecord('key', 'v'.repeat(91)).toString().slice(0, 4), '99 k');
  assert.equal(encodePaxRecord('key', 'v'.repeat(92)).toString().slice(0, 4), '101 ');
  for (const bad of ['', '5 a=b', 'x', '0 a=b\n', '99 a=b\n', '6 abc\n', '5 =b\n', '-1 a=b\n']) {
    if (bad !== '') assert.equal(parsePaxRecords(Buffer.from(bad)), undefined, JSON.stringify(bad));
  }
  for (const [text, ns] of [
    ['1.5', 1_500_000_000n],
    ['-1.25', -1_250_000_000n],
    ['7', 7_000_000_000n],
    ['0.000000001', 1n],
  ] as const) {
    assert.equal(parsePaxTime(text), ns);
    assert.equal(formatPaxTime(ns), text);
  }
  assert.equal(parsePaxTime('1e9'), undefined);
});

test('dialects: v7, GNU long names, base-256, a star prefix, global headers', () => {
  const v7 = rawBlock({ name: 'old/', flag: '\0', magic: '' });
  assert.equal(readTar(Buffer.concat([v7, end]))[0]!.entry.type, 'dir');

  const gnu = Buffer.concat([
    extended('K', Buffer.from(`${'l'.repeat(600)}\0`)),
    extended('L', Buffer.from(`${'n'.repeat(520)}\0`)),
    rawBlock({ flag: '2', magic: 'ustar  \0' }),
    end,
  ]);
  const long = readTar(gnu, 77)[0]!.entry;
  assert.deepEqual([long.path.length, long.link!.length], [520, 600]);

  const big = Buffer.alloc(12);
  big[0] = 0x80;
  big[11] = 5;
  assert.equal(readTar(Buffer.concat([rawBlock({ size: big }), blocks('hello'), end]))[0]!.content.toString(), 'hello');
  const before = Buffer.alloc(12, 0xff);
  assert.equal(readTar(Buffer.concat([rawBlock({ fields: [[136, before]] }), end]))[0]!.entry.mtimeNs, -1_000_000_000n);

  const star = rawBlock({
    name: 'n',
    fields: [
      [345, 'p'],
      [508, 'tar\0'],
    ],
  });
  assert.equal(readTar(Buffer.concat([star, end]))[0]!.entry.path, 'p/n');

  const global = Buffer.concat([
    extended('g', pax(['uid', '7'], ['gid', '8'])),
    extended('x', pax(['gid', '9'])),
    rawBlock({}),
    rawBlock({ name: 'g' }),
    end,
  ]);
  assert.deepEqual(
    readTar(global).map((m) => [m.entry.uid, m.entry.gid]),
    [
      [7, 9],
      [7, 8],
    ],
  );
});

test('GNU sparse files in all four dialects', () => {
  const extents = [
    { offset: 512, length: 3 },
    { offset: 4096, length: 2 },
  ];
  const old = rawBlock({
    flag: 'S',
    size: octal(5),
    magic: 'ustar  \0',
    fields: [
      [386, octal(512)],
      [398, octal(3)],
      [410, octal(4096)],
      [422, octal(2)],
      [483, octal(8192)],
    ],
  });
  const oldExtended = rawBlock({
    flag: 'S',
    size: octal(5),
    magic: 'ustar  \0',
    fields: [
      [386, octal(512)],
      [398, octal(3)],
      [482, '\u0001'],
      [483, octal(8192)],
    ],
  });
  const more = Buffer.alloc(BLOCK);
  more.write(octal(4096), 0, 'latin1');
  more.write(octal(2), 12, 'latin1');
  const map10 = '2\n512\n3\n4096\n2\n';
  const variants = [
    Buffer.concat([old, blocks('abcde')]),
    Buffer.concat([oldExtended, more, blocks('abcde')]),
    Buffer.concat([
      extended(
        'x',
        pax(
          ['GNU.sparse.size', '8192'],
          ['GNU.sparse.numblocks', '2'],
          ['GNU.sparse.offset', '512'],
          ['GNU.sparse.numbytes', '3'],
          ['GNU.sparse.offset', '4096'],
          ['GNU.sparse.numbytes', '2'],
        ),
      ),
      rawBlock({ size: octal(5) }),
      blocks('abcde'),
    ]),
    Buffer.concat([
      extended('x', pax(['GNU.sparse.size', '8192'], ['GNU.sparse.name', 'f'], ['GNU.sparse.map', '512,3,4096,2'])),
      rawBlock({ name: 'GNUSparseFile.0/f', size: octal(5) }),
      blocks('abcde'),
    ]),
    Buffer.concat([
      extended('x', pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.name', 'f'], ['GNU.sparse.realsize', '8192'])),
      rawBlock({ name: 'GNUSparseFile.0/f', size: octal(517) }),
      blocks(map10),
      blocks('abcde'),
    ]),
  ];
  for (const variant of variants) {
    for (const step of [4096, 100]) {
      const [first, second] = readTar(Buffer.concat([variant, rawBlock({ name: 'next' }), end]), step);
      assert.deepEqual(
        [first!.entry.path, first!.entry.size, first!.entry.sparse, first!.content.toString()],
        ['f', 8192, extents, 'abcde'],
      );
      assert.equal(second!.entry.path, 'next');
    }
  }
  const sparse = (map: string, stored = 5): Buffer =>
    Buffer.concat([
      extended('x', pax(['GNU.sparse.size', '8192'], ['GNU.sparse.map', map])),
      rawBlock({ size: octal(stored) }),
      blocks('abcde'),
      end,
    ]);
  for (const map of ['4096,2,512,3', '512,3,513,2', '8190,5', '512,-1,600,6', '512', 'x,y', '0,4']) fails(sparse(map), 'archive.invalid');
});

test('hostile input ends in one typed error with its offset', () => {
  const wrong = rawBlock({});
  wrong[0] = 0x7a;
  fails(Buffer.concat([wrong, end]), 'archive.invalid');
  fails(Buffer.concat([Buffer.alloc(BLOCK), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([rawBlock({ size: Buffer.alloc(12, 0xff) }), end]), 'archive.invalid');
  fails(Buffer.concat([rawBlock({ size: Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 0xff)]) }), end]), 'archive.invalid');
  fails(Buffer.concat([rawBlock({ size: '0000000009x ' }), end]), 'archive.invalid');
  fails(Buffer.concat([extended('x', pax(['size', '-5'])), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([extended('x', pax(['size', '99999999999999999999'])), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([extended('x', pax(['path', 'a\0b'])), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([extended('x', Buffer.from('12 nonsense')), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([extended('x', pax(['uid', '99999999999'])), rawBlock({}), end]), 'archive.invalid');
  fails(Buffer.concat([rawBlock({ flag: 'M' }), end]), 'archive.unsupported');
  fails(rawBlock({ flag: 'x', size: octal(2 << 20) }), 'archive.too-large');
  fails(rawBlock({ flag: 'L', size: octal(2 ** 31) }), 'archive.too-large');
  fails(Buffer.concat(Array.from({ length: 40 }, () => extended('x', pax(['path', 'p'])))), 'archive.too-large');
  const globals = Array.from({ length: 12 }, (_, i) => Buffer.concat([extended('g', pax([`k${i}`, 'v'.repeat(100_000)])), rawBlock({})]));
  fails(Buffer.concat(globals), 'archive.too-large');
  fails(
    Buffer.from('this is not a tar archive, only text that is long enough to fill a block of five hundred and twelve bytes. '.repeat(6)),
    'archive.invalid',
  );
});

test('a cut archive is told from one that ended early but whole', () => {
  const tar = makeTar([
    { path: 'a', content: 'x'.repeat(700) },
    { path: 'long'.repeat(60), content: 'y' },
  ]);
  for (const cut of [100, 600, 1100, 1600, 2100, 2600, 3072]) fails(tar.subarray(0, cut), 'archive.truncated');
  assert.equal(readTar(tar.subarray(0, tar.length - 1024)).length, 2);
  assert.equal(readTar(Buffer.concat([tar, Buffer.from('whatever follows')])).length, 2);
  assert.deepEqual(readTar(Buffer.alloc(0)), []);
});

test('skipping bodies finds the same entries', () => {
  const tar = makeTar([{ path: 'a', content: 'x'.repeat(5000) }, { path: 'b' }, { path: 'c', content: 'z' }]);
  const seen: Array<[string, number]> = [];
  const parser: TarParser = new TarParser({ entry: (e) => void seen.push([e.path, parser.offset]), data: () => {}, end: () => {} });
  for (let at = 0; at < tar.length;) {
    const jump = parser.skippable;
    parser.skip(jump);
    at += jump;
    parser.write(tar.subarray(at, at + BLOCK));
    at += BLOCK;
  }
  parser.finish();
  assert.deepEqual(seen, [
    ['a', 512],
    ['b', 6144],
    ['c', 6656],
  ]);
});
