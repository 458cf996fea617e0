// Containers in several networks: from their start, connected and disconnected while they run or rest, and by commands that are killed. In a
// network namespace of this test's own; needs root. What is refused is refused in the words of Docker 28.5.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandLine, commandLineOn } from '../support/command-line.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';
import { type Fixture, fixture, request, sh } from './container-fixture.ts';

if (inOwnNetwork(import.meta.url)) {
  let f: Fixture;
  let line: CommandLine;
  before(async () => {
    prepareOwnNetwork();
    f = await fixture();
    line = commandLineOn(f);
    for (const [name, subnet] of [
      ['za', '10.82.0.0/24'],
      ['zb', '10.81.0.0/24'],
    ] as const)
      await f.manager.parts.network.create({ name, subnet });
  });
  after(() => f.dispose());

  const slipway = (...args: string[]): Promise<[number, string]> => line.outcome(...args);
  const id = (name: string): string => f.manager.records.resolve(name).id;
  const run = async (name: string, network: string, o: Partial<Parameters<typeof request>[0]> = {}): Promise<void> =>
    f.manager.start(await f.manager.create(request({ args: ['sleep', '1000'], name, network, ...o })));
  const remove = async (...names: string[]): Promise<void> => {
    for (const name of names) await f.manager.remove(f.manager.records.resolve(name), { force: true });
  };
  const inside = async (name: string, script: string): Promise<string> => {
    const [status, text] = await slipway('exec', name, 'sh', '-c', script);
    assert.equal(status, 0, text);
    return text;
  };
  const eventually = async <T>(fn: () => Promise<T>): Promise<T> => {
    for (let i = 0; ; i++) {
      try {
        return await fn();
      } catch (error) {
        if (i > 500) throw error;
        await sleep(20);
      }
    }
  };
  const nothingLeft = async (): Promise<void> => {
    await f.manager.reconcile();
    await f.manager.parts.network.settled();
    const left = f.manager.parts.db.read((sql) => sql.all('SELECT * FROM network_leases'));
    assert.deepEqual(left, []);
    // the kernel takes a pair of interfaces away when nobody waits for it
    await eventually(async () => assert.match(spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout, /^1: lo:[^\n]*\n$/));
    assert.ok(!spawnSync('iptables-save', { encoding: 'utf8' }).stdout.toLowerCase().includes('slipway'));
  };

  for (const [flags, message] of [
    [
      '--network zb --ip 10.99.0.1',
      'invalid config for network zb: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.99.0.1',
    ],
    [
      '--network zb --ip foo',
      'invalid config for network zb: invalid endpoint settings:\n* invalid IPv4 address: foo\n* no configured subnet or ip-range contain the IP address foo',
    ],
    [
      '--ip 10.99.0.1',
      'invalid config for network bridge: invalid endpoint settings:\n* user specified IP address is supported on user defined networks only\n* no configured subnet or ip-range contain the IP address 10.99.0.1',
    ],
    ['--network name=zb,foo=bar', 'invalid argument "name=zb,foo=bar" for "--network" flag: invalid field key foo'],
    ['--network foo=bar', 'invalid argument "foo=bar" for "--network" flag: invalid field key foo'],
    ['--network name=zb,ip=10.81.0.5 --ip 10.81.0.6', 'conflicting options: cannot specify both --ip and per-network IPv4 address'],
    ['--network name=zb,alias=z --network-alias q', 'conflicting options: cannot specify both --network-alias and per-network alias'],
    ['--network zb --network zb', 'network "zb" is specified multiple times'],
    ['--network zb --network host', 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'],
    ['--network zb --network bridge', 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'],
    ['--mac-address foo', 'foo is not a valid mac address'],
  ] as const)
    test(`run ${flags} is refused`, async () => {
      assert.deepEqual(await slipway('run', '--rm', ...flags.split(' '), 'tiny', 'true'), [125, message]);
      assert.deepEqual(f.manager.records.all(), []);
    });

  test('several networks from the start: an interface for each, names in each, the way out through the first by name', async () => {
    const flags = ['--network', 'zb', '--network', 'name=za,alias=x,ip=10.82.0.77,mac-address=02:42:00:00:00:09', '--network-alias', 'q'];
    assert.equal((await slipway('run', '-d', '--name', 'both', ...flags, 'tiny', 'sleep', '1000'))[0], 0);
    const text = await inside('both', 'ip -o -4 addr; ip route; ip link show eth1; cat /etc/hosts');
    assert.match(text, /eth0 +inet 10\.81\.0\.2\/24/);
    assert.match(text, /eth1 +inet 10\.82\.0\.77\/24/);
    assert.match(text, /default via 10\.82\.0\.1 dev eth1/);
    assert.match(text, /02:42:00:00:00:09/);
    assert.match(text, /10\.81\.0\.2\t.*\n|10\.82\.0\.77\t/);
    await run('neighbour', 'zb');
    for (const name of ['both', 'q'])
      await eventually(async () => assert.match(await inside('neighbour', `nslookup ${name}`), /10\.81\.0\.2/));
    await remove('neighbour');
    await run('neighbour', 'za');
    await eventually(async () => assert.match(await inside('neighbour', 'nslookup x'), /10\.82\.0\.77/));
    const format =
      '{{json .NetworkSettings.Networks.za.IPAMConfig}} {{json .NetworkSettings.Networks.za.DNSNames}} {{.HostConfig.NetworkMode}}';
    assert.deepEqual(await slipway('inspect', '-f', format, 'both'), [
      0,
      `{"IPv4Address":"10.82.0.77"} ["both","x","${id('both').slice(0, 12)}"] zb\n`,
    ]);
    assert.deepEqual(await slipway('ps', '--format', '{{.Names}} {{.Networks}}', '-f', 'network=za'), [0, 'neighbour za\nboth za,zb\n']);
    assert.match((await slipway('run', '--rm', '--network', 'za', '--ip', '10.82.0.77', 'tiny', 'true'))[1], /Address already in use$/);
    await f.manager.restart(f.manager.records.resolve('both'), { seconds: 0 });
    assert.match(await inside('both', 'ip -o -4 addr'), /eth1 +inet 10\.82\.0\.77\/24/);
    await remove('both', 'neighbour');
    await nothingLeft();
  });

  test('the address of the interface, on the default bridge too', async () => {
    assert.match((await slipway('run', '--rm', '--mac-address', '02:42:ac:11:00:99', 'tiny', 'ip', 'link'))[1], /02:42:ac:11:00:99/);
    await nothingLeft();
  });

  test('connect and disconnect while it runs: addresses, names, the way out', async () => {
    await run('web', 'zb');
    await run('peer', 'za');
    assert.deepEqual(await slipway('network', 'connect', '--ip', '10.82.0.55', '--alias', 'al', 'za', 'web'), [0, '']);
    assert.match(await inside('web', 'ip -o -4 addr; ip route; cat /etc/hosts'), /default via 10\.82\.0\.1 dev eth1[\s\S]*10\.82\.0\.55\t/);
    await eventually(async () => assert.match(await inside('peer', 'nslookup al'), /10\.82\.0\.55/));
    for (const [args, message] of [
      [['connect', 'za', 'web'], 'endpoint with name web already exists in network za'],
      [['connect', 'nope', 'web'], 'network nope not found'],
      [['connect', 'za', 'nope'], 'No such container: nope'],
      [['connect', 'host', 'web'], 'cannot connect container to host network - container must be created in host network mode'],
      [
        ['connect', '--alias', 'x', 'bridge', 'web'],
        'invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks',
      ],
      [['disconnect', 'bridge', 'web'], `container ${id('web')} is not connected to network bridge`],
      [['disconnect', 'za', 'nope'], 'No such container: nope'],
      [['disconnect', '-f', 'za', 'nope'], 'endpoint nope not found'],
    ] as const)
      assert.deepEqual(await slipway('network', ...args), [1, message], args.join(' '));
    assert.match(
      (await slipway('network', 'rm', 'za'))[1],
      /network za has active endpoints \(name:"(web|peer)" id:"[0-9a-f]{12}", name:"/,
    );
    const [, members] = await slipway('network', 'inspect', '-f', '{{range .Containers}}{{.Name}} {{.IPv4Address}}\n{{end}}', 'za');
    assert.match(members, /web 10\.82\.0\.55\/24/);
    assert.deepEqual(await slipway('network', 'disconnect', 'za', 'web'), [0, '']);
    const after = await inside('web', 'ip -o link; ip route; cat /etc/hosts');
    assert.match(after, /default via 10\.81\.0\.1 dev eth0/);
    assert.ok(!after.includes('eth1') && !after.includes('10.82.'), after);
    await slipway('network', 'disconnect', 'zb', 'web');
    assert.match(await inside('web', 'ip -o link'), /^1: lo:[^\n]*\n$/);
    assert.deepEqual(await slipway('inspect', '-f', '{{json .NetworkSettings.Networks}} {{.HostConfig.NetworkMode}}', 'web'), [
      0,
      '{} zb\n',
    ]);
    await f.manager.restart(f.manager.records.resolve('web'), { seconds: 0 });
    assert.match(await inside('web', 'ip -o -4 addr'), /^1: lo +inet 127\.0\.0\.1[^\n]*\n$/);
    await slipway('network', 'connect', 'zb', 'web');
    assert.match(await inside('web', 'ip route'), /default via 10\.81\.0\.1 dev eth0/);
    await remove('web', 'peer');
    await nothingLeft();
  });

  test('a container that rests is connected from its next start on', async () => {
    await f.manager.create(request({ args: ['sleep', '1000'], network: 'bridge', name: 'later' }));
    const wrong = 'invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 1.2.3.4';
    assert.deepEqual(await slipway('network', 'connect', '--ip', '1.2.3.4', 'za', 'later'), [1, wrong]);
    assert.deepEqual(await slipway('network', 'connect', '--ip', '10.82.0.60', 'za', 'later'), [0, '']);
    assert.deepEqual(await slipway('network', 'connect', 'za', 'later'), [1, 'endpoint with name later already exists in network za']);
    await f.manager.start(f.manager.records.resolve('later'));
    assert.match(await inside('later', 'ip route; ip -o -4 addr'), /dev eth0[\s\S]*eth1 +inet 10\.82\.0\.60/);
    await remove('later');
    await nothingLeft();
  });

  test('published ports go on with the network that leads out', async () => {
    const page = (): Promise<string> =>
      new Promise((resolve, reject) =>
        get('http://127.0.0.1:8071/', { agent: false }, (response) => {
          let text = '';
          response
            .setEncoding('utf8')
            .on('data', (part: string) => (text += part))
            .on('end', () => resolve(text));
        }).on('error', reject),
      );
    const port = { hostIp: '', hostPort: 8071, containerPort: 8080, protocol: 'tcp' as const };
    const serve = ['sh', '-c', 'mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www'];
    await run('web', 'zb', { args: serve, ports: [port] });
    assert.equal(await eventually(page), 'page\n');
    await slipway('network', 'connect', 'za', 'web');
    assert.equal(await eventually(page), 'page\n');
    assert.deepEqual(await slipway('port', 'web'), [0, '8080/tcp -> 0.0.0.0:8071\n']);
    await slipway('network', 'disconnect', 'za', 'web');
    assert.equal(await eventually(page), 'page\n');
    await slipway('network', 'disconnect', 'zb', 'web');
    await assert.rejects(page());
    await slipway('network', 'connect', 'zb', 'web');
    assert.equal(await eventually(page), 'page\n');
    await remove('web');
    await nothingLeft();
  });

  test('containers without a network of their own are not connected', async () => {
    await run('donor', 'zb');
    await run('guest', 'container:donor');
    await run('alone', 'none');
    const shares = 'container sharing network namespace with another container or host cannot be connected to any other network';
    assert.deepEqual(await slipway('network', 'connect', 'za', 'guest'), [1, shares]);
    const none = 'container cannot be connected to multiple networks with one of the networks in private (none) mode';
    assert.deepEqual(await slipway('network', 'connect', 'za', 'alone'), [1, none]);
    await remove('guest', 'alone', 'donor');
    await nothingLeft();
  });

  const SCRIPT = `
    const { openManager } = await import(${JSON.stringify(new URL('container-fixture.ts', import.meta.url).href)});
    const { connectNetwork, disconnectNetwork } = await import(${JSON.stringify(new URL('../../src/container/index.ts', import.meta.url).href)});
    const { armCrashPoint } = await import(${JSON.stringify(new URL('../../src/util/index.ts', import.meta.url).href)});
    const [, root, run, what, point] = process.argv;
    if (point) armCrashPoint(point);
    const m = openManager(root, run);
    const c = m.records.resolve('victim');
    if (what === 'connect') await connectNetwork(m, c, { network: 'za' });
    else await disconnectNetwork(m, c, 'za');`;
  const apart = (what: string, point = ''): Promise<number | NodeJS.Signals | null> =>
    new Promise((resolve) =>
      spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', SCRIPT, f.root, f.run, what, point], { stdio: 'ignore' }).once(
        'exit',
        (code, signal) => resolve(signal ?? code),
      ),
    );

  for (const [what, point] of [
    ['connect', 'network.recorded'],
    ['connect', 'network.rules-set'],
    ['connect', 'network.endpoint-attached'],
    ['disconnect', 'network.endpoint-left'],
    ['disconnect', 'network.before-removal'],
  ] as const)
    test(`a command that is killed at ${point} of ${what} leaves nothing, and can be given again`, async () => {
      await run('victim', 'zb');
      if (what === 'disconnect') await slipway('network', 'connect', 'za', 'victim');
      assert.equal(await apart(what, point), 'SIGKILL');
      await f.manager.reconcile();
      const links = await inside('victim', 'ip -o link');
      assert.ok(!links.includes('eth1'), links);
      assert.deepEqual(await slipway('inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}', 'victim'), [
        0,
        'zb \n',
      ]);
      assert.match(await inside('victim', 'ip route'), /default via 10\.81\.0\.1 dev eth0/);
      assert.equal((await slipway('network', 'connect', 'za', 'victim'))[0], 0);
      assert.match(await inside('victim', 'ip -o -4 addr'), /eth1 +inet 10\.82\.0\.2/);
      await remove('victim');
      await nothingLeft();
    });

  test('of processes that connect at once one succeeds, and addresses never collide', async () => {
    await run('victim', 'zb');
    const ends = await Promise.all([0, 1, 2].map(() => apart('connect')));
    assert.deepEqual(ends.sort(), [0, 1, 1]);
    const address = /eth1 +inet (10\.82\.0\.\d+)/.exec(await inside('victim', 'ip -o -4 addr'))?.[1];
    assert.equal((await slipway('inspect', '-f', '{{.NetworkSettings.Networks.za.IPAddress}}', 'victim'))[1].trim(), address);
    assert.ok(!(await sh(f.manager, 'ip -o -4 addr', { network: 'za' })).includes(`${address}/`));
    await remove('victim');
    await nothingLeft();
  });
}
