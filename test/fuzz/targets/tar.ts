// Archives with broken headers, records and ends: read in pieces they say the same as read whole.
import assert from 'node:assert/strict';
import { ContentSize, storedSize, TarParser } from '../../../src/archive/index.ts';
import { encodePaxRecord } from '../../../src/archive/pax.ts';
import { type Member, makeTar } from '../../../src/archive/testing.ts';
import type { Random } from '../grammar.ts';
import { asBytes, type Target, typed } from '../target.ts';

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

export const target: Target = {
  make: archive,
  attempt: (input, r) => {
    const tar = asBytes(input);
    const whole = typed(() => entriesOf(tar, tar.length || 1));
    const pieces = typed(() => entriesOf(tar, 1 + r.below(700)));
    assert.deepEqual(pieces, whole, 'pieces say something else than the whole');
    typed(() => {
      const size = new ContentSize();
      size.write(tar);
      size.finish();
    });
  },
};
