// Containers on the bridge, with published ports, in a network namespace of this test's own; needs root.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, portsText } from '../../src/container/index.ts';
import { emptyControlGroups } from '../../src/runtime/index.ts';
import { CRASH_POINTS } from '../../src/util/index.ts';
import { commandLines } from '../support/processes.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';
import { type Fixture, fixture, request, sh } from './container-fixture.ts';

if (inOwnNetwork(import.meta.url)) {
  let f: Fixture;
  before(async () => {
    prepareOwnNetwork();
    f = await fixture();
  });
  after(() => f.dispose());

  const links = (): string[] =>
    spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
      .map((l) => l.split(': ')[1]!);
  /** The kernel removes a veth with the namespace of its other end, and does that when nobody waits for it. */
  const noLinksLeft = (): Promise<void> => eventually(async () => assert.deepEqual(links(), ['lo']));
  const rules = (): string => spawnSync('iptables-save', [], { encoding: 'utf8' }).stdout;
  const page = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get(url, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (d: string) => (text += d))
          .on('end', () => resolve(text));
      }).on('error', reject);
    });
  const eventually = async <T>(fn: () => Promise<T>): Promise<T> => {
    for (let i = 0; ; i++) {
      try {
        return await fn();
      } catch (error) {
        if (i > 3000) throw error;
        await sleep(20);
      }
    }
  };
  const SERVER = ['sh', '-c', 'mkdir /www; echo "I am $HOSTNAME" > /www/index.html; exec httpd -f -p 8080 -h /www'];

  test('the bridge: an address, a way out, and nothing left', async () => {
    const text = await sh(f.manager, 'ip -o -4 addr show eth0; ip route; cat /etc/hosts', { network: 'bridge', hostname: 'h' });
    const ip = /inet (\d+\.\d+\.\d+\.\d+)\/16/.exec(text)?.[1];
    assert.ok(ip, text);
    assert.match(text, /default via \d+\.\d+\.0\.1/);
    assert.match(text, new RegExp(`${ip.replaceAll('.', '\\.')}\\s+h`));
    await f.manager.parts.network.settled();
    assert.deepEqual(readdirSync(join(f.run, 'netns')), []);
    assert.deepEqual(
      f.manager.parts.db.read((sql) => sql.all('SELECT * FROM network_leases')),
      [],
    );
    await noLinksLeft();
  });

  test('published ports answer, are told, and are free again', async () => {
    const c = await f.manager.create(request({ args: SERVER, network: 'bridge', publishAll: true, hostname: 'server' }));
    await f.manager.start(c);
    const running = f.manager.records.resolve(c.id);
    const port = running.network!.ports[0]!.hostPort;
    assert.match(portsText(running), new RegExp(`0\\.0\\.0\\.0:${port}->8080/tcp`));
    assert.equal(await eventually(() => page(`http://127.0.0.1:${port}/`)), 'I am server\n');
    await assert.rejects(
      f.manager.start(
        await f.manager.create(
          request({
            args: SERVER,
            network: 'bridge',
            ports: [{ hostIp: '', hostPort: port, containerPort: 1, protocol: 'tcp' }],
            name: 'late',
            autoRemove: true,
          }),
        ),
      ),
      /port is already allocated|already in use/,
    );
    await f.manager.remove(running, { force: true });
    await f.manager.parts.network.settled();
    assert.ok(!rules().includes(String(port)), rules());
    assert.deepEqual(f.manager.records.all(), []);
    await noLinksLeft();
  });

  const SCRIPT = `
    const { openManager, request } = await import(${JSON.stringify(new URL('container-fixture.ts', import.meta.url).href)});
    const { armCrashPoint } = await import(${JSON.stringify(new URL('../../src/util/index.ts', import.meta.url).href)});
    const [, root, run, mode, point] = process.argv;
    armCrashPoint(point);
    const m = openManager(root, run);
    const c = await m.create(request({
      args: ['sh', '-c', 'cat /seeded/inner/file; sleep 0.05; echo late; exit 6'],
      volumes: [{ source: 'seed-' + mode + point, destination: '/seeded', readonly: false }],
      autoRemove: mode === 'detached', network: 'bridge', publishAll: true,
    }));
    if (mode === 'detached') await m.start(c);
    else await m.runForeground(c, { stdout: () => {}, stderr: () => {} });
    if (mode !== 'detached') await m.remove(c);`;
  const killedAt = (mode: string, point: string): Promise<NodeJS.Signals | null> =>
    new Promise((resolve) =>
      spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, f.root, f.run, mode, point], { stdio: 'ignore' }).once(
        'exit',
        (_, signal) => resolve(signal),
      ),
    );
  /** The container of a killed command, once nothing happens to it any more. */
  const settled = async (): Promise<Container | undefined> => {
    for (let i = 0; ; i++) {
      await f.manager.reconcile();
      const [c, ...others] = f.manager.records.all();
      assert.deepEqual(others, []);
      if (c === undefined || c.state.status === 'exited' || c.state.status === 'created') return c;
      assert.ok(i < 6000, JSON.stringify(c.state));
      await sleep(10);
    }
  };
  const nothingLeft = async (): Promise<void> => {
    await f.manager.reconcile();
    // a monitor's last command may still be at work
    const processes = (): string[] => commandLines().filter((line) => line.includes(f.run));
    for (let i = 0; i < 500 && processes().length > 0; i++) await sleep(10);
    assert.deepEqual(processes(), []);
    assert.deepEqual(emptyControlGroups(join(f.run, 'runtime')), []);
    await f.manager.parts.network.settled();
    assert.deepEqual(f.manager.records.all(), []);
    for (const table of ['network_leases', "snapshots WHERE state = 'active' AND id NOT IN (SELECT CAST(key AS INTEGER) FROM lease_refs)"])
      assert.deepEqual(
        f.manager.parts.db.read((sql) => sql.all(`SELECT * FROM ${table}`)),
        [],
      );
    assert.deepEqual(
      ['containers', 'netns', 'runtime/crun'].flatMap((folder) => readdirSync(join(f.run, folder))),
      [],
    );
    await noLinksLeft();
    assert.ok(!rules().includes('8080'), rules());
  };
  /** Its program has begun: how it ends, and what it writes, no longer depends on the command. */
  const BEGUN = ['container.started', 'container.end-claimed', 'container.taken-back'];

  for (const point of CRASH_POINTS.filter((p) => /^(container|volume)\./.test(p))) {
    test(`a command in the foreground is killed at ${point}`, async () => {
      assert.equal(await killedAt('foreground', point), 'SIGKILL');
      const c = await settled();
      if (BEGUN.includes(point)) {
        assert.deepEqual([c?.state.status, c?.state.exitCode], ['exited', 6]);
        let log = '';
        for await (const line of f.manager.logs(c!)) log += line.data.toString();
        assert.equal(log, 'from the image\nlate\n');
      }
      if (point.startsWith('volume.')) {
        await f.manager.start(c!);
        assert.equal(await f.manager.wait(c!), 6);
        assert.ok(existsSync(join(f.root, `volumes/seed-foreground${point}/_data/inner/file`)));
        assert.deepEqual(readdirSync(join(f.root, `volumes/seed-foreground${point}`)), ['_data']);
      }
      if (c !== undefined) await f.manager.remove(f.manager.records.resolve(c.id));
      await nothingLeft();
    });
  }

  for (const point of [
    'container.recorded',
    'container.create-asked',
    'container.process-created',
    'container.network-joined',
    'container.started',
  ] as const) {
    test(`a command that starts a container with --rm is killed at ${point}`, async () => {
      assert.equal(await killedAt('detached', point), 'SIGKILL');
      assert.equal(await settled(), undefined);
      await nothingLeft();
    });
  }

  test('low ports are open to everybody', async () => {
    assert.equal(await sh(f.manager, 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', { network: 'bridge', user: '1000' }), '0\n');
  });

  test('networks of our own: containers find each other by name', async () => {
    await f.manager.parts.network.create({ name: 'lab' });
    const c = await f.manager.create(request({ args: SERVER, network: 'lab', name: 'web', hostname: 'web-host' }));
    await f.manager.start(c);
    assert.equal(await eventually(() => sh(f.manager, 'wget -q -O - http://web:8080/', { network: 'lab' })), 'I am web-host\n');
    await f.manager.remove(f.manager.records.resolve('web'), { force: true });
    await f.manager.parts.network.remove('lab');
  });
}
