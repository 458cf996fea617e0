// Containers on the bridge, with published ports, in a network namespace of this test's own; needs root.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { portsText } from '../../src/container/index.ts';
import { type Fixture, fixture, request, sh } from './container-fixture.ts';

const INSIDE = 'SLIPWAY_TEST_OWN_NETWORK';

if (process.env[INSIDE] === undefined) {
  test('in a network namespace of its own', () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const own = spawnSync('unshare', ['-n', '-m', process.execPath, '--test-reporter=tap', fileURLToPath(import.meta.url)], {
      encoding: 'utf8',
      env: { ...env, [INSIDE]: '1' },
    });
    assert.equal(own.status, 0, own.stdout + own.stderr);
  });
} else {
  let f: Fixture;
  before(async () => {
    for (const command of ['ip link set lo up', 'mount -t tmpfs tmpfs /run'])
      assert.equal(spawnSync('sh', ['-c', command], { stdio: 'inherit' }).status, 0);
    f = await fixture();
  });
  after(() => f.dispose());

  const links = (): string[] =>
    spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
      .map((l) => l.split(': ')[1]!);
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
        if (i > 200) throw error;
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
    assert.deepEqual(links(), ['lo']);
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
    assert.deepEqual(
      links().filter((l) => l !== 'lo'),
      [],
    );
  });

  test('a command is killed at any moment while it publishes a port', async () => {
    const script = `
      const { openManager, request } = await import(${JSON.stringify(new URL('container-fixture.ts', import.meta.url).href)});
      const [, root, run, mode] = process.argv;
      const m = openManager(root, run);
      const c = await m.create(request({ args: ['sleep', '0.05'], autoRemove: true, network: 'bridge', publishAll: true }));
      if (mode === 'detached') await m.start(c);
      else await m.runForeground(c, { stdin: 'ignore', stdout: () => {}, stderr: () => {} });`;
    const launch = (mode: string) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, f.root, f.run, mode], { stdio: 'ignore' });
    const began = performance.now();
    await new Promise((resolve) => launch('foreground').once('exit', resolve));
    const whole = performance.now() - began;
    for (let i = 0; i < 10; i++) {
      const child = launch(i % 2 === 0 ? 'foreground' : 'detached');
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await sleep(whole * (0.5 + 0.6 * Math.random()));
      child.kill('SIGKILL');
      await exited;
    }
    for (let i = 0; i < 500 && f.manager.records.all().length > 0; i++) {
      await f.manager.reconcile();
      await sleep(10);
    }
    await f.manager.reconcile();
    await f.manager.parts.network.settled();
    assert.deepEqual(f.manager.records.all(), []);
    assert.deepEqual(
      f.manager.parts.db.read((sql) => sql.all('SELECT * FROM network_leases')),
      [],
    );
    assert.deepEqual(
      links().filter((l) => l !== 'lo'),
      [],
    );
    assert.ok(!rules().includes('8080'), rules());
  });

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
