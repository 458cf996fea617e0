// What a real overlay's upper directory says about changes, as a tar; and that unpacking this tar again gives the same file system.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import { readTar } from '../../src/archive/testing.ts';
import { LayerApplier, diffTar } from '../../src/snapshot/layer/index.ts';
import { enterPrivateMountNamespace, mount, setXattr, unmount } from '../../src/sys/index.ts';

enterPrivateMountNamespace();

/** Runs shell commands in an overlay over `lower`, and gives the upper directory that they leave. */
function changed(t: TestContext, below: string, commands: string): { lower: string; upper: string; merged(upper: string): string } {
  const dir = fs.mkdtempSync('/dev/shm/slipway-diff-');
  const at = (name: string): string => {
    fs.mkdirSync(path.join(dir, name), { recursive: true });
    return path.join(dir, name);
  };
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const [lower, upper] = [at('lower'), at('upper')];
  const shell = (cwd: string, script: string): void => void execFileSync('sh', ['-euc', script], { cwd });
  const inOverlay = <T>(upper: string, fn: (merged: string) => T): T => {
    const merged = at('merged');
    mount('overlay', merged, 'overlay', 0, `lowerdir=${lower},upperdir=${upper},workdir=${at(`${path.basename(upper)}.work`)}`);
    try {
      return fn(merged);
    } finally {
      unmount(merged);
    }
  };
  shell(lower, below);
  inOverlay(upper, (merged) => shell(merged, commands));
  return {
    lower,
    upper,
    merged: (upper) =>
      inOverlay(upper, (merged) =>
        execFileSync(
          'sh',
          ['-c', 'find . -mindepth 1 -printf "%p %y %m %U:%G %s %l %n\\n" | sed "s/ d \\([0-9]* [0-9:]*\\) [0-9]*.*/ d \\1/" | sort'],
          { cwd: merged, encoding: 'utf8' },
        ),
      ),
  };
}

function tarOf(upper: string, lowers: readonly string[]): { tar: Buffer; files: number; size: number } {
  const chunks: Buffer[] = [];
  const { files, size } = diffTar(upper, lowers, (chunk) => void chunks.push(Buffer.from(chunk)));
  return { tar: Buffer.concat(chunks), files, size };
}

function unpack(t: TestContext, tar: Buffer, lowers: readonly string[]): string {
  const dir = fs.mkdtempSync(path.join(path.dirname(lowers[0]!), 'again-'));
  fs.chmodSync(dir, 0o755);
  const applier = new LayerApplier(dir, { overlay: true, lowers });
  const parser = new TarParser(applier);
  parser.write(tar);
  parser.finish();
  applier.finish();
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const lower =
  'umask 022; mkdir -p d/sub d/keep etc o/deep real tmp; echo a > d/a; echo b > d/sub/b; ln -s a d/link; echo k > d/keep/k; echo m > m; echo 1 > o/1; echo 3 > o/deep/3; echo r > real/r; ln -s real dlink; echo f > file; chmod 1777 tmp; touch -d @1700000000 tmp etc';

const cases: Record<string, { commands: string; entries: string[] }> = {
  nothing: { commands: 'true', entries: [] },
  'a file made and removed': { commands: 'touch x; rm x', entries: [] },
  'a directory only touched in its mode': { commands: 'chmod 1777 tmp', entries: [] },
  deletions: { commands: 'rm d/a d/link; rm -r d/sub', entries: ['d/', 'd/.wh.a', 'd/.wh.link', 'd/.wh.sub'] },
  metadata: { commands: 'chmod 600 m; chown 3:4 d/a; chmod 711 real', entries: ['d/', 'd/a', 'm', 'real/'] },
  'a directory made anew': { commands: 'rm -r o; mkdir -p o/deep; touch o/new', entries: ['o/', 'o/.wh..wh..opq', 'o/deep/', 'o/new'] },
  'new directories hide nothing': { commands: 'mkdir -p n/a/b', entries: ['n/', 'n/a/', 'n/a/b/'] },
  'types that change': {
    commands: 'rm -r d; echo now > d; rm file; mkdir -p file/y; rm dlink; mkdir dlink',
    entries: ['d', 'dlink/', 'file/', 'file/y/'],
  },
  'special files and links': {
    commands:
      'mkdir -m 3770 s; mkfifo s/p; mknod s/null c 1 3; mknod s/disk b 7 9; echo h > s/h1; ln s/h1 s/h2; chmod 4755 s/h1; ln -s nowhere s/l; ln s/l s/l2',
    entries: ['s/', 's/disk', 's/h1', 's/h2', 's/l', 's/l2', 's/null', 's/p'],
  },
  names: {
    commands:
      'n=$(printf "n%.0s" $(seq 180)); mkdir -p $n/$n; touch $n/$n/$n; touch "$(printf "\\377\\303")" "$(printf "\\303\\274 \\342\\234\\223")"',
    entries: [
      'n'.repeat(180) + '/',
      `${'n'.repeat(180)}/${'n'.repeat(180)}/`,
      ['n', 'n', 'n'].map((n) => n.repeat(180)).join('/'),
      'ü ✓',
      '\udcff\udcc3',
    ],
  },
};

for (const [name, { commands, entries }] of Object.entries(cases)) {
  test(`the difference: ${name}`, (t) => {
    const { lower: below, upper, merged } = changed(t, lower, commands);
    const { tar, files, size } = tarOf(upper, [below]);
    assert.equal(size, tar.length);
    assert.equal(files, entries.length);
    assert.deepEqual(
      readTar(tar).map((m) => m.entry.path),
      entries,
    );
    assert.deepEqual(tarOf(upper, [below]).tar, tar);
    const again = unpack(t, tar, [below]);
    assert.equal(merged(again), merged(upper));
    assert.deepEqual(tarOf(again, [below]).tar, tar);
  });
}

test('hard links, attributes and times in the entries', (t) => {
  const { lower: below, upper } = changed(t, 'true', 'echo h > a; ln a b; touch -d @5.7 a; touch -d @-1.5 old; mkdir -p d; touch -d @9 d');
  setXattr(path.join(upper, 'a'), 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
  setXattr(path.join(upper, 'd'), 'trusted.overlay.origin', Buffer.from('x'));
  const [a, b, d, old] = readTar(tarOf(upper, [below]).tar);
  assert.deepEqual(
    [a!.entry.mtimeNs, b!.entry.type, b!.entry.link, d!.entry.mtimeNs, old!.entry.mtimeNs],
    [5_000_000_000n, 'link', 'a', 9_000_000_000n, -2_000_000_000n],
  );
  assert.deepEqual([...a!.entry.xattrs!.keys()], ['security.capability']);
  assert.equal(d!.entry.xattrs, undefined);
});

test('large files come whole', (t) => {
  const { lower: below, upper } = changed(
    t,
    'true',
    'head -c 3000001 /dev/urandom > big; head -c 1048576 /dev/urandom > exact; truncate -s 2M hole',
  );
  const members = readTar(tarOf(upper, [below]).tar, 4096);
  for (const { entry, content } of members) assert.ok(fs.readFileSync(path.join(upper, entry.path)).equals(content), entry.path);
});
