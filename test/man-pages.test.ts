// The manual pages: one for each command, and groff has nothing to say against them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { manPages } from '../scripts/man-pages.ts';
import { ENTRIES } from '../src/cli/commands/index.ts';

const pages = await manPages('1.2.3');

test('there is a page of each command by each of its names', () => {
  for (const { path, hidden } of ENTRIES) assert.equal(pages.has(`slipway-${path.replaceAll(' ', '-')}.1`), !hidden, path);
  for (const [name, page] of pages) {
    const target = /^\.so man1\/(.*)\n$/.exec(page)?.[1];
    if (target !== undefined) assert.match(pages.get(target) ?? '', /^\.TH/, name);
  }
});

test(
  'groff reads them without a warning, and shows what they say',
  { skip: spawnSync('groff', ['-v']).error && 'groff is missing' },
  () => {
    const all = [...pages.values()].filter((page) => page.startsWith('.TH')).join('');
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-c'], {
      input: all,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.deepEqual([stderr, status], ['', 0]);
    const plain = stdout.replaceAll(/.\u0008/g, '').replaceAll(/\u001b\[\d+m/g, '');
    assert.match(plain, /-p, --publish port/);
    assert.match(plain, /^ {7}slipway run --rm -it busybox$/m);
    assert.match(plain, /slipway-image-tree - Show images as a tree of shared layers/);
  },
);
