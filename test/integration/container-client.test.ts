// The client of a container: its streams, what becomes of the container when it goes, and many at once; needs root.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { execIn } from '../../src/container/index.ts';
import { SLIPWAY, TestStore } from '../support/store.ts';
import { type Fixture, fixture, request, runIn, sh } from './container-fixture.ts';

let f: Fixture;
let store: TestStore;
before(async () => {
  f = await fixture();
  store = new TestStore(f.folder, f.root);
});
after(() => f.dispose());

const RUN = ['run', '--network', 'none'] as const;

const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 1000; i++) {
    if (await holds()) return;
    await sleep(10);
  }
  throw new Error(`not within 10 s: ${what}`);
};

test('a program has pipes of its own, whatever ours are', async () => {
  const path = join(f.folder, 'out');
  writeFileSync(path, 'before\n');
  const out = openSync(path, 'a');
  const script = 'for n in 0 1 2; do readlink /proc/$$/fd/$n; done; : > /dev/stdout; echo end';
  const child = spawn(SLIPWAY, [...RUN, '--rm', '-i', 'tiny', 'sh', '-c', script], { env: store.env, stdio: ['pipe', out, out] });
  child.stdin!.end();
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  closeSync(out);
  const text = readFileSync(path, 'utf8').replaceAll(/\d{3,}/g, 'N');
  assert.equal(text, 'before\npipe:[N]\npipe:[N]\npipe:[N]\nend\n');

  const c = await f.manager.create(request({ args: ['sleep', '1000'] }));
  await f.manager.start(c);
  assert.match(await store.ok(['exec', '-i', c.name, 'sh', '-c', script]), /^(?:pipe:\[\d+\]\n){3}end\n$/);
  assert.match(await store.ok(['exec', c.name, 'readlink', '/proc/self/fd/0']), /null|^\/\n?$/);
  await f.manager.remove(c, { force: true });
});

test('what goes in comes out, to the last byte and to its end', async () => {
  const bytes = Buffer.alloc(3 << 20, 'some bytes, and no line feed\0');
  const run = async (args: string[], stdin: Readable): Promise<[number | undefined, Buffer]> => {
    const out: Buffer[] = [];
    const c = await f.manager.create(request({ args, openStdin: true, autoRemove: true }));
    const code = await f.manager.runForeground(c, { stdin, stdout: (b) => out.push(b), stderr: () => {} });
    return [code, Buffer.concat(out)];
  };
  const [code, echoed] = await run(['cat'], Readable.from([bytes]));
  assert.equal(code, 0);
  assert.ok(echoed.equals(bytes));
  assert.deepEqual(await run(['cat'], Readable.from([])), [0, Buffer.alloc(0)]);
  // without an end, and more than is read
  const yes = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(8192, 'y\n');
    })(),
  );
  assert.deepEqual(await run(['head', '-n', '1'], yes), [0, Buffer.from('y\n')]);
  assert.equal((await runIn(f.manager, { args: ['cat'], autoRemove: true })).stdout, '');
});

test('a client that is killed leaves the container, its log and its exit code', async () => {
  const child = store.start([...RUN, '--name', 'kept', 'tiny', 'sh', '-c', 'mkfifo /tmp/go; echo up; read x < /tmp/go; echo late; exit 6']);
  await until('it runs', async () => (await store.slipway(['logs', 'kept'])).stdout === 'up\n');
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(await store.ok(['inspect', '-f', '{{.State.Running}}', 'kept']), 'true\n');
  const c = f.manager.records.resolve('kept');
  assert.equal(
    await execIn(f.manager, c, {
      args: ['sh', '-c', 'echo go > /tmp/go'],
      env: [],
      tty: false,
      detach: false,
      privileged: false,
      stdout: () => {},
      stderr: () => {},
    }),
    0,
  );
  assert.equal(await f.manager.wait(c), 6);
  assert.equal(await store.ok(['logs', '--tail', '1', 'kept']), 'late\n');
  await f.manager.remove(f.manager.records.resolve('kept'));
});

test('--tail of a log whose last line has no end', async () => {
  const { container } = await runIn(f.manager, { args: ['printf', 'one\\ntwo\\nthree'] });
  assert.equal(await store.ok(['logs', '--tail', '1', container.name]), 'three');
  assert.equal(await store.ok(['logs', '--tail', '2', container.name]), 'two\nthree');
  assert.equal(await store.ok(['logs', '--tail', '0', container.name]), '');
  await f.manager.remove(container);
});

test('a log keeps to its limit', async () => {
  const c = await f.manager.create(
    request({ args: ['sh', '-c', 'for i in $(seq 2000); do echo line $i of many; done'], logLimit: 20_000 }),
  );
  assert.equal(await f.manager.runForeground(c, { stdout: () => {}, stderr: () => {} }), 0);
  const log = readFileSync(f.manager.logPath(c), 'utf8');
  assert.ok(log.length <= 20_000 && log.endsWith('line 2000 of many\n'), String(log.length));
  await f.manager.remove(c);
});

test('a container that is started meanwhile is never removed', async () => {
  const c = await f.manager.create(request({ args: ['sleep', '1000'] }));
  const stale = f.manager.records.resolve(c.id);
  await Promise.all([f.manager.start(c), f.other().start(c)]);
  assert.deepEqual(await f.other().prune([stale]), []);
  await assert.rejects(f.other().remove(stale), { code: 'container.running' });
  assert.equal(f.manager.records.resolve(c.id).state.status, 'running');
  await f.other().remove(stale, { force: true });
  const about = await f.manager.create(request({ args: ['true'] })); // by a command that lives, which is going to start it
  assert.deepEqual(await f.other().prune([about]), []);
  await f.manager.remove(about);
});

test('containers that start at once on an empty volume all find it whole', async () => {
  const outputs = await Promise.all(
    [f.manager, f.other(), f.other(), f.other()].map((manager) =>
      sh(manager, 'cat /seeded/inner/file', { volumes: [{ source: 'shared', destination: '/seeded', readonly: false }] }),
    ),
  );
  assert.deepEqual(
    outputs,
    Array.from({ length: 4 }, () => 'from the image\n'),
  );
  assert.deepEqual(readdirSync(join(f.root, 'locks')), []);
});

test('a container that cannot be cleared away keeps nobody from the others', async () => {
  const [bad, good] = await Promise.all(['one', 'two'].map((name) => f.manager.create(request({ args: ['echo', name], name }))));
  await runIn(f.manager, { args: ['true'], autoRemove: true });
  const rootfs = join(f.run, 'containers', bad!.id, 'rootfs');
  mkdirSync(join(rootfs, 'somebody'), { recursive: true });
  f.manager.records.update(bad!.id, (r) => {
    r.state.status = 'running';
    r.state.process = '1:another-boot:1';
    delete r.state.starter;
  });
  assert.equal(await f.manager.runForeground(good!, { stdout: () => {}, stderr: () => {} }), 0);
  const ps = await store.slipway(['ps', '-a', '--format', '{{.Names}}']);
  assert.deepEqual([ps.exitCode, ps.stdout.split('\n').sort()], [0, ['', 'one', 'two']]);
  assert.match(ps.stderr, /cannot clear away what container one left/);
  assert.equal(await store.ok(['logs', 'two']), 'two\n');
  const { removeTree } = await import('../../src/sys/index.ts');
  removeTree(join(rootfs, 'somebody'));
  await f.manager.reconcile();
  for (const c of [bad, good]) await f.manager.remove(f.manager.records.resolve(c!.id));
});

test('an image for another platform than the one asked for', async () => {
  const r = await store.slipway([...RUN, '--rm', '--pull', 'never', '--platform', 'linux/riscv64', 'tiny', 'true']);
  assert.equal(r.exitCode, 125);
  assert.match(r.stderr, /does not provide the specified platform \(linux\/riscv64\)/);
});

test('ancestor by name, ID and prefix', async () => {
  const c = await f.manager.create(request({ args: ['true'] }));
  for (const word of ['tiny', 'tiny:latest', c.imageId, c.imageId.slice(7, 19)])
    assert.equal(await store.ok(['ps', '-aq', '--no-trunc', '-f', `ancestor=${word}`]), `${c.id}\n`, word);
  await f.manager.remove(c);
});
