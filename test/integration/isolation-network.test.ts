// Who reaches whom: containers of two networks, the host, and a neighbour of the host that routes to the containers, all in network
// namespaces of this test's own; needs root.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Container } from '../../src/container/index.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';
import { type Fixture, fixture, request } from './container-fixture.ts';

if (inOwnNetwork(import.meta.url)) {
  const [HOST, NEIGHBOUR] = ['192.0.2.1', '192.0.2.2'];
  let f: Fixture;
  let neighbour: ChildProcess;

  const shell = (command: string): void => {
    const ended = spawnSync('sh', ['-ec', command], { encoding: 'utf8' });
    assert.equal(ended.status, 0, `${command}\n${ended.stderr}`);
  };

  before(async () => {
    prepareOwnNetwork();
    shell('echo 0 > /proc/sys/net/ipv4/ip_forward');
    neighbour = spawn('unshare', ['-n', 'sh', '-c', 'echo; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => neighbour.stdout!.once('data', resolve));
    const pid = neighbour.pid!;
    shell(`
      ip link add lan0 type veth peer name lan1
      ip link set lan1 netns ${pid}
      ip addr add ${HOST}/24 dev lan0; ip link set lan0 up
      nsenter -t ${pid} -n sh -ec '
        ip link set lo up; ip addr add ${NEIGHBOUR}/24 dev lan1; ip link set lan1 up
        ip route add 10.0.0.0/8 via ${HOST}
        echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
        ip route del table local 127.0.0.0/8 dev lo; ip route del table local 127.0.0.1 dev lo
        ip route add 127.0.0.1/32 via ${HOST} src ${NEIGHBOUR}'`);
    f = await fixture();
    await f.manager.parts.network.create({ name: 'lab' });
  });
  after(async () => {
    neighbour.kill();
    await f.dispose();
  });

  const SERVER = ['sh', '-c', 'mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www'];
  const serve = async (name: string, o: Partial<Parameters<typeof request>[0]> = {}): Promise<Container> => {
    const c = await f.manager.create(request({ args: SERVER, network: 'bridge', name, ...o }));
    await f.manager.start(c);
    return f.manager.records.resolve(name);
  };
  const port = (hostIp: string, hostPort: number) => ({ hostIp, hostPort, containerPort: 8080, protocol: 'tcp' as const });
  const mainPid = (c: Container): number => (c.state as { pid: number }).pid;

  /** Asks for the page from the namespace of a process; undefined is our own, the host's. */
  const reaches = (from: number | undefined, address: string): Promise<boolean> =>
    new Promise((resolve) => {
      const command = ['busybox', 'nc', '-w', '1', ...address.split(':')];
      const all = from === undefined ? command : ['nsenter', '-t', String(from), '-n', ...command];
      const child = execFile(all[0]!, all.slice(1), (_error, stdout) => resolve(stdout.includes('page\n')));
      child.stdin!.on('error', () => {});
      child.stdin!.write('GET / HTTP/1.0\r\n\r\n');
    });
  const eventually = async (from: number | undefined, address: string): Promise<void> => {
    for (let i = 0; i < 20; i++) if (await reaches(from, address)) return;
    assert.fail(`${address} is not reached by ${from}`);
  };

  test('published ports are reached, everything else only within its network', async () => {
    const [open, local, other] = [
      await serve('open', { ports: [port('', 8001)] }),
      await serve('local', { ports: [port('127.0.0.1', 8002)] }),
      await serve('other', { network: 'lab', ports: [port('', 8003)] }),
    ];
    const ip = (c: Container): string => `${c.network!.ip}:8080`;
    const [lan, inOpen, inOther] = [neighbour.pid!, mainPid(open), mainPid(other)];
    for (const [from, address] of [
      [undefined, ip(open)],
      [undefined, ip(other)],
      [undefined, '127.0.0.1:8001'],
      [undefined, '127.0.0.1:8002'],
      [undefined, `${HOST}:8003`],
      [lan, `${HOST}:8001`],
      [lan, `${HOST}:8003`],
      [inOpen, ip(local)],
      [inOpen, `${HOST}:8001`], // its own port, by the host's address
      [inOther, `${HOST}:8001`], // from another network, as it is published
    ] as const)
      await eventually(from, address);
    // forwarding was off before the first bridge
    assert.match(spawnSync('iptables', ['-S', 'FORWARD'], { encoding: 'utf8' }).stdout, /^-P FORWARD DROP$/m);
    const refused = [
      [lan, ip(open)],
      [lan, ip(local)],
      [lan, ip(other)],
      [lan, '127.0.0.1:8001'],
      [lan, '127.0.0.1:8002'],
      [lan, `${HOST}:8002`],
      [inOpen, ip(other)],
      [inOther, ip(open)],
      [inOther, `${HOST}:8002`],
    ] as const;
    const found = await Promise.all(refused.map(async ([from, address]) => ((await reaches(from, address)) ? [from, address] : [])));
    assert.deepEqual(found.flat(), [], JSON.stringify({ lan, inOpen, inOther }));
    for (const c of [open, local, other]) await f.manager.remove(f.manager.records.resolve(c.id), { force: true });
    await f.manager.parts.network.settled();
    assert.ok(!spawnSync('iptables-save', { encoding: 'utf8' }).stdout.toLowerCase().includes('slipway'));
  });

  const script = (body: string): string => `
    const { openManager, request } = await import(${JSON.stringify(new URL('container-fixture.ts', import.meta.url).href)});
    const { armCrashPoint } = await import(${JSON.stringify(new URL('../../src/util/index.ts', import.meta.url).href)});
    const [, root, run, argument] = process.argv;
    const m = openManager(root, run);
    ${body}`;
  const launch = (body: string, root: string, run: string, argument = ''): Promise<string> =>
    new Promise((resolve) => {
      const args = ['--no-warnings', '--input-type=module', '-e', script(body), root, run, argument];
      execFile(process.execPath, args, (_error, stdout, stderr) => resolve(stdout + stderr));
    });

  test('processes of two stores that publish at once get different ports', async (t) => {
    const others = [0, 1].map(() => mkdtempSync('/dev/shm/slipway-ports-'));
    t.after(() => others.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
    const body = `
      const { createNetworkNamespace, deleteNetworkNamespace, enterPrivateMountNamespace } = await import(${JSON.stringify(new URL('../../src/sys/index.ts', import.meta.url).href)});
      enterPrivateMountNamespace();
      const path = root + '/ns';
      createNetworkNamespace(path);
      const network = m.parts.network;
      for (let i = 0; i < 3; i++) {
        const ports = [0, 0].map(() => ({ hostIp: '', hostPort: 0, containerPort: 1, protocol: 'tcp' }));
        const got = await network.attach({ id: 'c' + i, name: 'c' + i, netnsPath: path, ports });
        console.log(got.ports.map((p) => p.hostPort).join('\\n'));
        deleteNetworkNamespace(path);
        createNetworkNamespace(path);
      }
      process.stdin.on('data', async () => {
        for (let i = 0; i < 3; i++) await network.detach('c' + i);
        await network.settled();
        process.exit();
      });
      console.log('done');`;
    const running = others.map((folder) => {
      const args = ['--no-warnings', '--input-type=module', '-e', script(body), folder, `${folder}/run`];
      return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    });
    t.after(() => running.forEach((child) => child.kill('SIGKILL')));
    const ports = await Promise.all(
      running.map(async (child) => {
        let text = '';
        for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
          text += String(chunk);
          if (text.includes('done')) break;
        }
        return text.split('\n').filter((line) => /^\d+$/.test(line));
      }),
    );
    assert.equal(new Set(ports.flat()).size, 12, JSON.stringify(ports));
    await Promise.all(
      running.map((child) => {
        const ended = new Promise((resolve) => child.on('close', resolve));
        child.stdin.end('go');
        return ended;
      }),
    );
    assert.ok(!spawnSync('iptables-save', { encoding: 'utf8' }).stdout.toLowerCase().includes('slipway'));
  });

  for (const point of ['network.rules-set']) {
    test(`a process that dies at ${point} leaves nothing for good`, async () => {
      await launch(
        `
          armCrashPoint(argument);
          const c = await m.create(request({ args: ['true'], autoRemove: true, network: 'bridge', publishAll: true }));
          await m.start(c);
          await m.wait?.(c.id);
          for (let i = 0; i < 200 && m.records.all().length > 0; i++) await m.reconcile();`,
        f.root,
        f.run,
        point,
      );
      const c = await serve('after', { ports: [port('', 8004)] });
      await eventually(undefined, '127.0.0.1:8004');
      await f.manager.remove(c, { force: true });
      for (let i = 0; i < 200 && f.manager.records.all().length > 0; i++) await f.manager.reconcile();
      await f.manager.parts.network.settled();
      const rules = spawnSync('iptables-save', { encoding: 'utf8' }).stdout;
      assert.ok(!rules.toLowerCase().includes('slipway'), rules);
    });
  }
}
