// RUN on a real runtime: what a command sees, what each kind of mount does, and that nothing of all this stays in the layer.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IgnoreMatcher } from '../../src/dockerfile/index.ts';
import { openAgent } from '../../src/builder/index.ts';
import { openRootfs } from '../../src/builder/steps/rootfs.ts';
import { runStep } from '../../src/builder/steps/run/run.ts';
import type { RunMount, RunRequest } from '../../src/builder/steps/types.ts';
import { BASE, buildFixture, type BuildFixture } from './build-fixture.ts';
import { memorySession } from '../support/session.ts';

let f: BuildFixture;
before(() => void (f = buildFixture()));
after(() => f.dispose());

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  /** What the layer holds: paths, without the directories above that only lead there. */
  readonly layer: string[];
}

async function run(script: string | string[], o: Partial<RunRequest> = {}, onText: (soFar: string) => void = () => {}): Promise<Outcome> {
  using lease = f.env.leases.create();
  const parent = await f.env.images.snapshot(f.env.images.resolve(BASE), lease);
  const active = f.env.snapshots.prepare(parent, lease);
  let output = '';
  try {
    let exitCode: number;
    {
      using rootfs = openRootfs(f.env.layout, f.env.snapshots.mounts(active.id), active.upper);
      ({ exitCode } = await runStep(f.env, {
        rootfs,
        style: 'graph',
        args: Array.isArray(script) ? script : ['/bin/sh', '-c', script],
        env: ['PATH=/bin'],
        workdir: '/',
        user: '',
        network: 'default',
        signal: new AbortController().signal,
        ...o,
        onOutput: (_, chunk) => {
          output += Buffer.from(chunk).toString();
          onText(output);
        },
      }));
    }
    return { exitCode, output, layer: list(active.upper) };
  } finally {
    f.env.snapshots.remove(active.id);
  }
}

function list(root: string, dir = ''): string[] {
  return readdirSync(join(root, dir))
    .sort()
    .flatMap((name) => {
      const path = `${dir}/${name}`;
      if (!lstatSync(join(root, path)).isDirectory()) return [path];
      const below = list(root, path);
      return below.length > 0 || !['/etc', '/bin', '/tmp'].includes(path) ? [path, ...below] : [];
    });
}

const nothingLeft = (): void => {
  for (const dir of ['build', 'mounts']) {
    const path = join(f.env.layout.run, dir);
    assert.deepEqual(existsSync(path) ? readdirSync(path) : [], []);
  }
};

test('a command runs with its own name, hosts and mounts, and only what it wrote stays', async () => {
  const r = await run(
    'hostname; cat /etc/hosts; test -s /etc/resolv.conf; ls /dev/null /proc/self/exe; echo $HOME; umask; pwd; echo x > /made',
    { addHosts: ['db.local:10.1.2.3'] },
  );
  assert.equal(r.exitCode, 0);
  assert.match(r.output, /^buildkitsandbox\n/);
  assert.match(r.output, /10\.1\.2\.3\s+db\.local/);
  assert.match(r.output, /\/root\n0022\n\/\n/);
  assert.deepEqual(r.layer, ['/made']);
  nothingLeft();
});

test('exit codes, missing programs, unknown users', async () => {
  assert.equal((await run('exit 42')).exitCode, 42);
  await assert.rejects(run(['/no/such', 'x']), {
    kind: 'process-failed',
    message: /^process "\/no\/such x" did not complete successfully: .*\/no\/such.*no such file or directory/,
  });
  await assert.rejects(run('id', { user: 'nosuch' }), {
    message: 'process "/bin/sh -c id" did not complete successfully: unable to find user nosuch: no matching entries in passwd file',
  });
  await assert.rejects(run('id', { user: 'nosuch', style: 'classic' }), {
    message: 'unable to find user nosuch: no matching entries in passwd file',
  });
  nothingLeft();
});

test('the working directory is made for the user', async () => {
  const r = await run('pwd; id -u; stat -c %u /home/user/app', { user: 'user', workdir: '/home/user/app' });
  assert.equal(r.output, '/home/user/app\n1000\n1000\n');
  assert.deepEqual(r.layer, ['/home', '/home/user', '/home/user/app']);
});

test('places made for mounts are gone afterwards, unless the command used them', async () => {
  writeFileSync(join(f.context, 'a'), 'a');
  const bind = (target: string): RunMount => ({ type: 'bind', target, root: f.context, source: 'a', readonly: true });
  const tmpfs = (target: string): RunMount => ({ type: 'tmpfs', target });
  assert.deepEqual((await run('true', { mounts: [bind('/etc/new'), tmpfs('/new/deep'), tmpfs('/tmp')] })).layer, []);
  assert.deepEqual((await run('touch /fresh/kept', { mounts: [tmpfs('/fresh/deep')] })).layer, ['/fresh', '/fresh/kept']);
});

test('binds: whole, in part, writable for nothing, without what the context leaves out', async () => {
  for (const n of ['d/x', 'd/secret', 'skip/all', 'skip/not']) {
    mkdirSync(join(f.context, n, '..'), { recursive: true });
    writeFileSync(join(f.context, n), n);
  }
  const bind = (o: Partial<Extract<RunMount, { type: 'bind' }>>): RunMount => ({
    type: 'bind',
    target: '/m',
    root: f.context,
    source: '/',
    readonly: true,
    ...o,
  });
  assert.match((await run('cat /m/d/x; touch /m/y', { mounts: [bind({})] })).output, /^d\/xtouch: .*Read-only/);
  assert.equal((await run('cat m', { mounts: [bind({ source: 'd/x', target: 'm' })] })).output, 'd/x');
  const rw = await run('echo changed > /m/x; touch /m/new; ls /m; cat /m/x', { mounts: [bind({ source: 'd', readonly: false })] });
  assert.equal(rw.output, 'new\nsecret\nx\nchanged\n');
  assert.deepEqual(rw.layer, []);
  assert.equal(readFileSync(join(f.context, 'd/x'), 'utf8'), 'd/x');
  assert.equal((await run('echo y > /m; cat /m', { mounts: [bind({ source: 'd/x', readonly: false })] })).output, 'y\n');
  const ignore = new IgnoreMatcher(['**/secret', 'skip', '!skip/not']);
  assert.equal((await run('cd /m; find d skip | sort', { mounts: [bind({ ignore })] })).output, 'd\nd/x\nskip\nskip/not\n');
  await assert.rejects(run('true', { mounts: [bind({ source: 'nope' })] }), {
    code: 'run.no-mount-source',
    message: /open \/nope: no such file or directory/,
  });
  await assert.rejects(run('true', { mounts: [bind({ source: 'd/secret', ignore })] }), { code: 'run.no-mount-source' });
  nothingLeft();
});

test('caches last, begin with their seed, and are lent by their sharing', async () => {
  const cache = (o: Partial<Extract<RunMount, { type: 'cache' }>> = {}): RunMount => ({
    type: 'cache',
    target: '/c',
    id: 'one',
    sharing: 'shared',
    readonly: false,
    ...o,
  });
  assert.deepEqual((await run('echo kept > /c/f', { mounts: [cache()] })).layer, []);
  assert.equal(
    (await run('cat /d/f; touch /d/g', { mounts: [cache({ target: '/d', readonly: true })] })).output,
    'kept\ntouch: /d/g: Read-only file system\n',
  );
  assert.equal(
    (await run("stat -c '%a %u %g' /c", { mounts: [cache({ id: 'owned', uid: 33, gid: 1, mode: 0o750 })] })).output,
    '750 33 1\n',
  );
  mkdirSync(join(f.context, 'seed'), { recursive: true });
  writeFileSync(join(f.context, 'seed/s'), 'seeded');
  assert.equal(
    (await run('cat /c/s', { mounts: [cache({ id: 'seeded', seed: { root: f.context, source: '/seed', identity: 'x' } })] })).output,
    'seeded',
  );
  const slow = 'echo $$ > /c/mine; n=0; while [ $n -lt 20 ]; do [ "$(ls /c)" = mine ] || exit 9; n=$((n+1)); done; rm /c/mine';
  for (const sharing of ['locked', 'private'] as const) {
    const both = await Promise.all(
      [1, 2].map((i) => run(slow.replaceAll('mine', `mine${i}`), { mounts: [cache({ id: sharing, sharing })] })),
    );
    assert.deepEqual(
      both.map((r) => r.exitCode),
      [0, 0],
      `${sharing} caches are not used by two at a time`,
    );
  }
  // twice in one command, and in another order in another one
  const pair = (...ids: string[]): RunMount[] => ids.map((id, i) => cache({ id, sharing: 'locked', target: `/c${i}` }));
  const crossed = await Promise.all(
    [pair('p', 'q', 'p'), pair('q', 'p', 'q')].flatMap((mounts) => [1, 2, 3].map(() => run('echo x > /c0/f; cat /c2/f', { mounts }))),
  );
  assert.deepEqual(new Set(crossed.map((r) => r.output)), new Set(['x\n']));
  nothingLeft();
});

test('caches of one id are told apart by what they begin with, as in BuildKit', async () => {
  type Own = Partial<Extract<RunMount, { type: 'cache' }>>;
  const cache = (o: Own = {}): RunMount => ({ type: 'cache', target: '/c', id: 'apart', sharing: 'shared', readonly: false, ...o });
  const seed = (source: string, identity = 'from'): Own => ({ seed: { root: f.context, source, identity } });
  mkdirSync(join(f.context, 'begin/sub'), { recursive: true });
  writeFileSync(join(f.context, 'begin/file'), '');
  const marks: readonly [Own, string][] = [
    [{}, ''],
    [{ uid: 7 }, ''],
    [{ uid: 7, gid: 0, mode: 0o755 }, '1 '],
    [{ uid: 7, mode: 0o751 }, ''],
    [seed('/begin'), 'file sub '],
    [{ ...seed('/begin'), uid: 7 }, '4 file sub '],
    [seed('/begin', 'other'), 'file sub '],
    [{ ...seed('/'), uid: 7 }, ''],
    [{}, '0 '],
    [{ source: '/0' }, ''],
  ];
  for (const [i, [own, seen]] of marks.entries())
    assert.equal((await run(`ls /c | tr '\\n' ' '; mkdir /c/${i}`, { mounts: [cache(own)] })).output, seen, String(i));
  await assert.rejects(run('true', { mounts: [cache({ source: '/none' })] }), { message: 'open /none: no such file or directory' });
  assert.equal((await run("stat -c '%a %u' /c", { mounts: [cache({ ...seed('/'), uid: 7, mode: 0o700 })] })).output, '700 7\n');
  nothingLeft();
});

test('secrets: as files and variables, required or not, and never in the layer', async () => {
  const session = memorySession({ secrets: { s: 's3cret' } });
  const secret = (o: Partial<Extract<RunMount, { type: 'secret' }>>): RunMount => ({ type: 'secret', id: 's', required: false, ...o });
  const r = await run("cat /run/secrets/s; stat -c ' %a %u %g' /run/secrets/s; cp /run/secrets/s /dev/shm/", {
    session,
    mounts: [secret({ target: '/run/secrets/s' })],
  });
  assert.equal(r.output, 's3cret 400 0 0\n');
  assert.deepEqual(r.layer, []);
  assert.equal(
    (
      await run("cat /k; stat -c ' %a %u %g' /k; echo $E", {
        session,
        mounts: [secret({ target: '/k', env: 'E', mode: 0o444, uid: 33, gid: 1 })],
      })
    ).output,
    's3cret 444 33 1\ns3cret\n',
  );
  assert.equal(
    (await run('echo "[${E-unset}]"; ls /run 2>&1', { mounts: [secret({ env: 'E', target: '/run/secrets/s' })] })).output.split('\n')[0],
    '[]',
  );
  await assert.rejects(run('true', { mounts: [secret({ required: true })] }), { code: 'run.no-secret', message: 'secret s: not found' });
  nothingLeft();
});

test('an SSH agent is lent by a socket of our own', async () => {
  const socket = join(f.folder, 'agent');
  const agent = createServer((c) => c.end('hello from the agent\n')).listen(socket);
  try {
    const session = memorySession({ agents: { default: await openAgent([socket], new AbortController().signal) } });
    const ssh: RunMount = { type: 'ssh', id: 'default', required: true };
    assert.equal(
      (
        await run(
          'echo $SSH_AUTH_SOCK; test -S $SSH_AUTH_SOCK && stat -c %a $SSH_AUTH_SOCK; nc local:$SSH_AUTH_SOCK </dev/null 2>/dev/null || true',
          { session, mounts: [ssh] },
        )
      ).output
        .split('\n')
        .slice(0, 2)
        .join(' '),
      '/run/buildkit/ssh_agent.0 600',
    );
    await assert.rejects(run('true', { mounts: [{ type: 'ssh', id: 'default', required: true }] }), {
      message: 'unset ssh forward key default',
    });
    assert.equal(
      (await run('echo [$SSH_AUTH_SOCK]', { mounts: [{ type: 'ssh', id: 'default', required: false }] })).output,
      '[/run/buildkit/ssh_agent.0]\n',
    );
  } finally {
    agent.close();
  }
});

test('the network of the host and privileges need leave', async () => {
  await assert.rejects(run('true', { network: 'host' }), { kind: 'permission-denied', message: 'network.host is not allowed' });
  await assert.rejects(run('true', { security: 'insecure' }), { message: 'security.insecure is not allowed' });
  assert.equal((await run('true', { network: 'host', allow: ['network.host'] })).exitCode, 0);
  assert.equal((await run('ls /sys/class/net', { network: 'none' })).output, 'lo\n');
});

test('limits and the size of /dev/shm', async () => {
  const r = await run("ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -1 | awk '{print $2}'", {
    ulimits: [{ name: 'nofile', soft: 512, hard: 600 }],
    shmSize: 32 << 20,
  });
  assert.equal(r.output, '512\n600\n32768\n');
});

test('an aborted command is killed, and nothing of it is left', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const running = run('echo started; sleep 600', { signal: controller.signal }, (text) => {
    if (text.includes('started')) controller.abort(reason);
  });
  await assert.rejects(running, (e) => e === reason);
  nothingLeft();
});
