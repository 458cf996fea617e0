// Layers from archives of every kind, hostile ones above all, unpacked for real: as root, on a tmpfs, in an overlay where it matters.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Member } from '../../src/archive/testing.ts';
import { LayerApplier } from '../../src/snapshot/layer/index.ts';
import { deviceMajor, deviceMinor, getXattr } from '../../src/sys/index.ts';
import { room, untouched, refused, read } from './layer-fixture.ts';

test('what an entry says is what there is', (t) => {
  const { root, apply } = room(t);
  const old = process.umask(0o077);
  t.after(() => process.umask(old));
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const applied = apply([
    { path: './', mode: 0o711 },
    { path: 'd/', mode: 0o2775, uid: 1, gid: 2, mtimeNs: 1_000_000_000_123_456_789n },
    { path: 'd/suid', mode: 0o4755, uid: 3, gid: 4, content: 'x', mtimeNs: 5_000_000_000n },
    { path: 'd/plain', mode: 0o666, content: 'y', mtimeNs: 7_000_000_001n },
    {
      path: 'd/caps',
      mode: 0o755,
      uid: 9,
      gid: 9,
      content: 'z',
      xattrs: new Map([
        ['security.capability', capability],
        ['trusted.overlay.opaque', Buffer.from('y')],
        ['user.overlay.redirect', Buffer.from('/')],
      ]),
    },
    { path: 'd/link', type: 'symlink', link: '/outside/of here', uid: 5, gid: 6, mtimeNs: 8_000_000_000n },
    { path: 'd/hard', type: 'link', link: '/d/plain' },
    { path: 'null', type: 'char', mode: 0o666, major: 1, minor: 3, uid: 1, gid: 1 },
    { path: 'disk', type: 'block', mode: 0o660, major: 259, minor: 70_000 },
    { path: 'pipe', type: 'fifo', mode: 0o622 },
    { path: 'sticky', type: 'dir', mode: 0o1777 },
  ]);
  assert.deepEqual(applied, { files: 10, size: 3 + '/outside/of here'.length });
  const stat = (name: string): [string, number, number, bigint] => {
    const s = fs.lstatSync(path.join(root, name), { bigint: true });
    return [(Number(s.mode) & 0o7777).toString(8), Number(s.uid), Number(s.gid), s.mtimeNs];
  };
  assert.deepEqual(stat(''), ['711', 0, 0, 0n]);
  assert.deepEqual(stat('d'), ['2775', 1, 2, 1_000_000_000_123_456_789n]);
  assert.deepEqual(stat('d/suid'), ['4755', 3, 4, 5_000_000_000n]);
  assert.deepEqual(stat('d/plain'), ['666', 0, 0, 7_000_000_001n]);
  assert.deepEqual(stat('d/link').slice(1), [5, 6, 8_000_000_000n]);
  assert.deepEqual(stat('null').slice(0, 3), ['666', 1, 1]);
  assert.deepEqual(stat('sticky').slice(0, 3), ['1777', 0, 0]);
  assert.deepEqual(getXattr(path.join(root, 'd/caps'), 'security.capability'), capability);
  assert.equal(getXattr(path.join(root, 'd/caps'), 'trusted.overlay.opaque'), undefined);
  assert.equal(fs.readlinkSync(path.join(root, 'd/link')), '/outside/of here');
  assert.equal(fs.statSync(path.join(root, 'd/hard')).ino, fs.statSync(path.join(root, 'd/plain')).ino);
  const disk = fs.lstatSync(path.join(root, 'disk'));
  assert.deepEqual([disk.isBlockDevice(), deviceMajor(disk.rdev), deviceMinor(disk.rdev)], [true, 259, 70_000]);
  assert.ok(fs.lstatSync(path.join(root, 'pipe')).isFIFO());
});

test('names beyond UTF-8 and beyond a hundred bytes', (t) => {
  const { root, apply } = room(t);
  apply([
    { path: 'raw\udcff', content: 'r' },
    { path: `${'d'.repeat(200)}/${'f'.repeat(255)}`, content: 'l' },
    { path: 'ü/✓', content: 'u' },
  ]);
  assert.equal(fs.readFileSync(Buffer.concat([Buffer.from(`${root}/raw`), Buffer.of(0xff)]), 'utf8'), 'r');
  assert.equal(read(root, 'd'.repeat(200), 'f'.repeat(255)), 'l');
  assert.equal(read(root, 'ü/✓'), 'u');
  assert.throws(() => apply([{ path: 'f'.repeat(256) }]), refused('layer.invalid'));
  assert.throws(() => apply([{ path: 'long', type: 'symlink', link: 'x'.repeat(5000) }]), refused('layer.invalid'));
});

test('holes stay holes', (t) => {
  const { root } = room(t);
  const applier = new LayerApplier(root, { overlay: true });
  applier.entry({
    path: 's',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 64 << 20,
    mtimeNs: 0n,
    sparse: [
      { offset: 4096, length: 3 },
      { offset: 32 << 20, length: 2 },
    ],
  });
  applier.data(Buffer.from('ab'));
  applier.data(Buffer.from('cde'));
  applier.end();
  applier.finish();
  const stats = fs.statSync(path.join(root, 's'));
  assert.equal(stats.size, 64 << 20);
  assert.ok(stats.blocks * 512 < 1 << 20);
  const content = fs.readFileSync(path.join(root, 's'));
  assert.deepEqual(
    [content.toString('latin1', 4096, 4099), content.toString('latin1', 32 << 20, (32 << 20) + 2), content[4099]],
    ['abc', 'de', 0],
  );
});

for (const overlay of [true, false]) {
  const kind = overlay ? 'overlay' : 'flat';
  test(`${kind}: nothing is written outside`, async (t) => {
    const escapes: Record<string, { code?: string; members: Member[] }> = {
      'a path that climbs': { code: 'layer.unsafe-path', members: [{ path: '../outside/secret', content: 'no' }] },
      'a path that climbs from within': { code: 'layer.unsafe-path', members: [{ path: 'a/../../outside/secret', content: 'no' }] },
      'an absolute path that climbs': { code: 'layer.unsafe-path', members: [{ path: '/../outside/secret', content: 'no' }] },
      'a directory that climbs': { code: 'layer.unsafe-path', members: [{ path: '../outside/', mode: 0o777 }] },
      'an absolute link, then a file through it': {
        members: [
          { path: 'l', type: 'symlink', link: '@outside' },
          { path: 'l/secret', content: 'no' },
          { path: 'l/new', content: 'no' },
        ],
      },
      'a relative link, then a file through it': {
        members: [
          { path: 'l', type: 'symlink', link: '../outside' },
          { path: 'l/secret', content: 'no' },
        ],
      },
      'a chain of links': {
        members: [
          { path: 'a', type: 'symlink', link: '..' },
          { path: 'b', type: 'symlink', link: 'a/../../outside' },
          { path: 'b/secret', content: 'no' },
        ],
      },
      'a file over a link': {
        members: [
          { path: 'l', type: 'symlink', link: '../outside/secret' },
          { path: 'l', content: 'no' },
        ],
      },
      'a directory over a link': {
        members: [
          { path: 'l', type: 'symlink', link: '../outside' },
          { path: 'l/', mode: 0o777 },
          { path: 'l/secret', content: 'in' },
        ],
      },
      'a known directory swapped for a link': {
        members: [
          { path: 'd/' },
          { path: 'd/x', content: '' },
          { path: 'd', type: 'symlink', link: '../outside' },
          { path: 'd/secret', content: 'no' },
        ],
      },
      'a hard link that climbs': { code: 'layer.unsafe-path', members: [{ path: 'h', type: 'link', link: '../outside/secret' }] },
      'a hard link to an absolute path': { code: 'layer.invalid', members: [{ path: 'h', type: 'link', link: '@outside/secret' }] },
      'a hard link through a link': {
        code: 'layer.invalid',
        members: [
          { path: 'l', type: 'symlink', link: '../outside' },
          { path: 'h', type: 'link', link: 'l/secret' },
        ],
      },
      'a hard link to a link, then written': {
        members: [
          { path: 'l', type: 'symlink', link: '../outside/secret' },
          { path: 'h', type: 'link', link: 'l' },
          { path: 'h', content: 'no' },
        ],
      },
      'a whiteout that climbs': { code: 'layer.unsafe-path', members: [{ path: '../outside/.wh.secret' }] },
      'a whiteout of the parent': { code: 'layer.unsafe-path', members: [{ path: 'd/' }, { path: 'd/.wh...' }] },
      'a whiteout of itself': { code: 'layer.unsafe-path', members: [{ path: 'd/' }, { path: 'd/.wh..' }] },
      'a whiteout through a link': { members: [{ path: 'l', type: 'symlink', link: '../outside' }, { path: 'l/.wh.secret' }] },
      'an opaque mark through a link': { members: [{ path: 'l', type: 'symlink', link: '../outside' }, { path: 'l/.wh..wh..opq' }] },
      'a device through a link': {
        members: [
          { path: 'l', type: 'symlink', link: '../outside' },
          { path: 'l/secret', type: 'char', major: 1, minor: 3 },
        ],
      },
      'links in a circle': {
        code: 'layer.invalid',
        members: [
          { path: 'a', type: 'symlink', link: 'b' },
          { path: 'b', type: 'symlink', link: 'a' },
          { path: 'a/x', content: 'no' },
        ],
      },
      'a file as a parent': {
        code: 'layer.invalid',
        members: [
          { path: 'f', content: '' },
          { path: 'f/x', content: 'no' },
        ],
      },
      'a root that is no directory': { code: 'layer.invalid', members: [{ path: './', type: 'symlink', link: '/' }] },
      'a hard link to a directory': { code: 'layer.invalid', members: [{ path: 'd/' }, { path: 'h', type: 'link', link: 'd' }] },
      'a hard link to nothing': { code: 'layer.invalid', members: [{ path: 'h', type: 'link', link: 'nothing' }] },
    };
    for (const [name, { code, members }] of Object.entries(escapes)) {
      await t.test(name, (t: TestContext) => {
        const { outside, apply } = room(t);
        const real = members.map((m) =>
          m.link?.startsWith('@outside') === true ? { ...m, link: m.link.replace('@outside', outside) } : m,
        );
        if (code === undefined) apply(real, { overlay });
        else assert.throws(() => apply(real, { overlay }), refused(code));
        untouched(outside);
      });
    }
  });
}

test('links inside the layer are followed with the layer as root', (t) => {
  const { root, apply } = room(t);
  apply([
    { path: 'usr/lib/' },
    { path: 'lib', type: 'symlink', link: '/usr/lib' },
    { path: 'lib/so', content: 's' },
    { path: 'up', type: 'symlink', link: 'usr/../../../new' },
    { path: 'up/x', content: 'x' },
  ]);
  assert.equal(read(root, 'usr/lib/so'), 's');
  assert.equal(read(root, 'new/x'), 'x');
});

test('later entries replace earlier ones of any type', (t) => {
  const { root, apply } = room(t);
  apply([
    { path: 'a', content: '1' },
    { path: 'a', content: '22' },
    { path: 'b/c/d', content: '' },
    { path: 'b', content: 'file now' },
    { path: 'e', content: '' },
    { path: 'e/', mode: 0o700 },
    { path: 'e/f', content: 'f' },
    { path: 'g', content: 'g' },
    { path: 'h', type: 'link', link: 'g' },
    { path: 'g', content: 'new' },
    { path: 'i/', mtimeNs: 5_000_000_000n },
    { path: 'i', content: 'i', mtimeNs: 9_000_000_000n },
    { path: 'j', content: 'j' },
    { path: 'j', type: 'link', link: 'j' },
  ]);
  assert.deepEqual(
    ['a', 'b', 'e/f', 'g', 'h', 'i', 'j'].map((name) => read(root, name)),
    ['22', 'file now', 'f', 'new', 'g', 'i', 'j'],
  );
  assert.equal(fs.statSync(path.join(root, 'e')).mode & 0o7777, 0o700);
  assert.equal(fs.statSync(path.join(root, 'i')).mtimeMs, 9000);
});
