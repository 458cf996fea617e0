// Operations of the graph that no Dockerfile has a word for: merge, diff, small file operations, programs with several outputs.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BuildDriver } from '../../src/builder/graph/driver.ts';
import { solveNodes } from '../../src/builder/graph/solve.ts';
import type { Result } from '../../src/builder/result.ts';
import { BaseImages } from '../../src/builder/sources/index.ts';
import { openRootfs } from '../../src/builder/steps/index.ts';
import { type ExecOp, type FileAction, Graph, type Node } from '../../src/graph/index.ts';
import { hostPlatform } from '../../src/model/index.ts';
import { BASE, type BuildFixture, buildFixture } from './build-fixture.ts';

let f: BuildFixture;

const graph = new Graph();
const meta = (name: string) => ({ name, noCache: false });
const scratch = graph.node({ kind: 'source', identifier: 'scratch' }, [], meta('scratch'));
const file = (below: Node, ...actions: FileAction[]): Node => graph.node({ kind: 'file', actions }, [below], meta('file'));
const mkfile = (path: string, text: string, mode = 0o644): FileAction => ({
  action: 'mkfile',
  path,
  data: Buffer.from(text).toString('base64'),
  mode,
  owner: '',
  time: 1_000_000_000,
});
const mkdir = (path: string): FileAction => ({ action: 'mkdir', path, user: '', mode: 0o700, parents: true });
const rm = (path: string, o = { wildcard: false, allowNotFound: false }): FileAction => ({ action: 'rm', path, ...o });
const merge = (...inputs: Node[]): Node => graph.node({ kind: 'merge' }, inputs, meta('merge'));
const diff = (lower: Node, upper: Node): Node => graph.node({ kind: 'diff' }, [lower, upper], meta('diff'));

const PLAIN = { kind: 'exec', env: [], cwd: '/', user: '', network: 'none', security: 'sandbox', addHosts: [], ulimits: [] } as const;
const sh = (command: string, mounts: ExecOp['mounts'] = [], more: Partial<ExecOp> = {}): ExecOp => ({
  ...PLAIN,
  args: ['/bin/sh', '-c', command],
  mounts,
  ...more,
});

/** The results of nodes, each shown to `look` as a mounted file system; and which nodes were executed. */
async function solve(nodes: readonly Node[], look: (...roots: string[]) => void): Promise<string[]> {
  const request = await f.request('FROM scratch\n');
  using lease = f.env.leases.create();
  const bases = new BaseImages(f.env, request);
  await bases.find(BASE, hostPlatform());
  const driver = new BuildDriver(f.env, request, bases, lease, { onList: () => {}, onWork: () => {} });
  try {
    const { results } = await solveNodes(f.env, request, nodes, driver, new Map(), undefined);
    using mounted = new DisposableStack();
    look(
      ...nodes.map((node) => {
        const { id } = results.get(node) as Extract<Result, { kind: 'snapshot' }>;
        return mounted.use(openRootfs(f.env.layout, id === null ? [] : f.env.snapshots.view(id))).path;
      }),
    );
  } finally {
    driver.close();
  }
  return request.events.flatMap((e) => (e.type === 'vertex' && e.state === 'started' ? [e.name] : []));
}

async function base(): Promise<Node> {
  const { id } = await f.env.resolveBase(BASE, { platform: hostPlatform(), pull: false, signal: new AbortController().signal });
  return graph.node({ kind: 'source', identifier: `docker-image://${BASE}@${id}` }, [], meta('base'));
}

for (const driver of ['overlay', 'copy'] as const)
  describe(`with the snapshotter ${driver}`, () => {
    before(() => void (f = buildFixture(driver)));
    after(() => f.dispose());

    test('files, links and directories are created and removed', async () => {
      const made = file(scratch, mkdir('/a/b'), mkfile('/a/b/one', '1'), mkfile('/a/b/two', '2', 0o4755), {
        action: 'symlink',
        target: '../../etc',
        path: '/a/link',
        owner: '5:6',
        time: 7,
      });
      const removed = file(
        made,
        rm('/a/b/*e', { wildcard: true, allowNotFound: false }),
        rm('/none', { wildcard: false, allowNotFound: true }),
        rm('/a/link'),
      );
      await solve([made, removed], (one, two) => {
        assert.equal(readFileSync(join(one!, 'a/b/one'), 'utf8'), '1');
        assert.equal(lstatSync(join(one!, 'a/b/one')).mtimeMs, 1_000_000_000_000);
        assert.equal(lstatSync(join(one!, 'a/b/two')).mode & 0o7777, 0o4755);
        assert.equal(lstatSync(join(one!, 'a')).mode & 0o7777, 0o700);
        assert.equal(readlinkSync(join(one!, 'a/link')), '../../etc');
        assert.deepEqual([lstatSync(join(one!, 'a/link')).uid, lstatSync(join(one!, 'a/link')).gid], [5, 6]);
        assert.ok(existsSync(join(two!, 'a/b/two')) && !existsSync(join(two!, 'a/b/one')) && !existsSync(join(two!, 'a/link')));
      });
    });

    test('a link of the image leads no file operation out of it', async () => {
      const linked = file(scratch, { action: 'symlink', target: f.folder, path: '/out', owner: '' });
      const made = file(linked, mkdir('/out/inside'), mkfile('/out/inside/f', 'x'));
      await solve([made], (root) => assert.equal(readFileSync(join(root!, f.folder, 'inside/f'), 'utf8'), 'x'));
      assert.ok(!existsSync(join(f.folder, 'inside')));
      const removed = file(
        made,
        rm('/out/context', { wildcard: false, allowNotFound: true }),
        rm('/out/cont*', { wildcard: true, allowNotFound: true }),
      );
      await solve([removed], () => {});
      assert.ok(existsSync(f.context));
    });

    test('what cannot be done says so', async () => {
      await assert.rejects(
        solve([file(scratch, mkfile('/no/file', ''))], () => {}),
        { code: 'file.failed', message: 'mkfile /no/file: no such file or directory' },
      );
      await assert.rejects(
        solve([file(scratch, rm('/no'))], () => {}),
        { message: 'rm /no: no such file or directory' },
      );
      await assert.rejects(
        solve([file(scratch, rm('/'))], () => {}),
        { code: 'file.root' },
      );
      await assert.rejects(
        solve([file(scratch, { action: 'mkdir', path: '/a/b', user: '', parents: false })], () => {}),
        { message: 'mkdir /a/b: no such file or directory' },
      );
    });

    test('merge lays layers upon each other, and what they delete is deleted', async () => {
      const low = file(file(scratch, mkdir('/d'), mkfile('/d/low', 'low'), mkfile('/d/both', 'low')), mkfile('/gone', 'x'));
      const other = file(
        file(scratch, mkdir('/d'), mkfile('/d/high', 'high'), mkfile('/d/both', 'high'), mkfile('/gone', 'y')),
        rm('/gone'),
      );
      const merged = merge(low, other);
      await solve([merged], (root) => {
        assert.equal(readFileSync(join(root!, 'd/low'), 'utf8'), 'low');
        assert.equal(readFileSync(join(root!, 'd/high'), 'utf8'), 'high');
        assert.equal(readFileSync(join(root!, 'd/both'), 'utf8'), 'high');
        assert.ok(!existsSync(join(root!, 'gone')));
      });
      assert.deepEqual(await solve([merged], () => {}), []);
    });

    test('diff is what changed, and merged upon the lower one it gives the upper one', async () => {
      const lower = file(scratch, mkdir('/d'), mkfile('/d/kept', 'k'), mkfile('/d/old', 'o'));
      const upper = file(file(lower, mkfile('/d/new', 'n')), rm('/d/old'));
      const changes = diff(lower, upper);
      const same = merge(lower, changes);
      const moved = merge(file(scratch, mkdir('/d'), mkfile('/d/old', 'mine'), mkfile('/d/mine', 'm')), changes);
      await solve([changes, same, moved], (only, again, other) => {
        assert.ok(existsSync(join(only!, 'd/new')) && !existsSync(join(only!, 'd/kept')));
        assert.deepEqual(
          ['kept', 'new', 'old'].map((n) => existsSync(join(again!, 'd', n))),
          [true, true, false],
        );
        assert.deepEqual(
          ['mine', 'new', 'old', 'kept'].map((n) => existsSync(join(other!, 'd', n))),
          [true, true, false, false],
        );
      });
      assert.deepEqual(await solve([moved], () => {}), []);
    });

    test('the diff of two file systems of which none stands on the other is found by comparing', async () => {
      const one = file(scratch, mkdir('/d'), mkfile('/d/a', 'a'), mkfile('/d/b', 'b'), mkfile('/d/c', 'c'));
      const two = file(scratch, mkdir('/d'), mkfile('/d/b', 'other'), mkfile('/d/c', 'c'), mkfile('/d/z', 'z'));
      await solve([diff(one, two), merge(one, diff(one, two))], (changes, whole) => {
        assert.deepEqual(
          ['a', 'b', 'c', 'z'].map((n) => existsSync(join(changes!, 'd', n))),
          [false, true, false, true],
        );
        assert.deepEqual(
          ['a', 'b', 'c', 'z'].map((n) => existsSync(join(whole!, 'd', n))),
          [false, true, true, true],
        );
      });
    });

    test('a program runs once for all of its outputs', async () => {
      const root = await base();
      const data = file(scratch, mkfile('/seed', 's'));
      const mounts: ExecOp['mounts'] = [
        { type: 'bind', input: 1, target: '/data', readonly: false, output: true },
        { type: 'bind', input: 2, target: '/empty', readonly: false, output: true },
      ];
      const command = 'cat /data/seed > /root-out; head -c 16 /dev/urandom | md5sum > /data/id; cp /data/id /empty/id; cp /data/id /id';
      const first = graph.node(sh(command, mounts, { run: 'r1' }), [root, data, scratch], meta('root'));
      const placed = (order: readonly number[], i: number): ExecOp['mounts'] =>
        mounts.map((m) => ({ ...m, input: order.indexOf(m.input) })).map((m) => ({ ...m, input: m.input + i }));
      // input 0 is what the output stands on
      const second = graph.node(sh(command, placed([1, 0, 2], 0), { run: 'r1', output: 0, root: 1 }), [data, root, scratch], meta('data'));
      const third = graph.node(sh(command, placed([2, 1, 0], 0), { run: 'r1', output: 1, root: 2 }), [scratch, data, root], meta('empty'));
      let id = '';
      await solve([first, second, third], (a, b, c) => {
        id = readFileSync(join(a!, 'id'), 'utf8');
        assert.equal(readFileSync(join(a!, 'root-out'), 'utf8'), 's');
        assert.equal(readFileSync(join(b!, 'id'), 'utf8'), id);
        assert.equal(readFileSync(join(c!, 'id'), 'utf8'), id);
        assert.ok(existsSync(join(b!, 'seed')) && !existsSync(join(c!, 'seed')) && !existsSync(join(a!, 'data')));
      });
      const ran = await solve([third, second, first], (c, b, a) => {
        for (const root of [a, b, c]) assert.equal(readFileSync(join(root!, 'id'), 'utf8'), id);
      });
      assert.deepEqual(ran, []);
    });

    test('a program cannot write to a root that is read-only, and none of its preparations stay', async () => {
      const root = await base();
      const mounts: ExecOp['mounts'] = [{ type: 'bind', input: 1, target: '/out', readonly: false, output: true }];
      const node = graph.node(
        sh('touch /x 2>/dev/null || echo denied > /out/f', [{ ...mounts[0]!, input: 0 }], {
          run: 'r2',
          root: 1,
          output: 0,
          rootReadonly: true,
        }),
        [scratch, root],
        meta('out'),
      );
      await solve([node], (out) => assert.equal(readFileSync(join(out!, 'f'), 'utf8'), 'denied\n'));
    });

    test('a program that fails leaves no snapshot behind', async () => {
      const root = await base();
      const count = (): number => f.env.db.read((sql) => sql.get<{ n: number }>('SELECT count(*) n FROM snapshots'))!.n;
      const before = count();
      const mounts: ExecOp['mounts'] = [{ type: 'bind', input: 1, target: '/data', readonly: false, output: true }];
      await assert.rejects(
        solve([graph.node(sh('touch /data/x; exit 3', mounts, { run: 'r3' }), [root, scratch], meta('fails'))], () => {}),
        {
          code: 'build.command-failed',
        },
      );
      assert.equal(count(), before);
    });
  });
