// `network create` with everything that Docker's has, in a network namespace of this test's own; needs root. What is refused is refused in
// the words of Docker 28.5.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
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
  });
  after(() => f.dispose());

  const slipway = (...args: string[]): Promise<[number, string]> => line.outcome(...args);

  for (const [flags, message] of [
    ['--subnet 10.92.0.0/33', 'invalid network config:\ninvalid subnet 10.92.0.0/33: invalid CIDR block notation'],
    ['--subnet foo', 'invalid network config:\ninvalid subnet foo: invalid CIDR block notation'],
    ['--subnet 10.92.0.5/24', 'invalid network config:\ninvalid subnet 10.92.0.5/24: it should be 10.92.0.0/24'],
    ['--subnet 10.92.0.0/24 --subnet 10.93.0.0/24', "bridge driver doesn't support multiple subnets"],
    ['--gateway 10.92.0.1', 'every ip-range or gateway must have a corresponding subnet'],
    ['--ip-range 10.99.0.0/25', 'every ip-range or gateway must have a corresponding subnet'],
    ['--subnet 10.92.0.0/24 --gateway 10.99.0.1', 'no matching subnet for gateway 10.99.0.1'],
    ['--subnet 10.92.0.0/24 --ip-range 10.99.0.0/25', 'no matching subnet for range 10.99.0.0/25'],
    [
      '--subnet 10.92.0.0/24 --ip-range 10.92.0.0/16',
      'invalid network config:\ninvalid ip-range 10.92.0.0/16: CIDR block is bigger than its parent subnet 10.92.0.0/24',
    ],
    ['--subnet 10.92.0.0/24 --aux-address x=10.99.0.1', 'no matching subnet for aux-address 10.99.0.1'],
    ['-d foo', 'plugin "foo" not found'],
    ['--ipv6', 'networks with IPv6 are not supported'],
    ['--subnet fd00:77::/64', 'networks with IPv6 are not supported'],
    ['-o com.docker.network.bridge.name=lo', 'an interface or network has the bridge name lo already'],
    ['-o com.docker.network.bridge.enable_icc=false', 'the network option com.docker.network.bridge.enable_icc=false is not supported'],
  ] as const)
    test(`network create ${flags} is refused`, async () => {
      assert.deepEqual(await slipway('network', 'create', ...flags.split(' '), 'wrong'), [1, message]);
    });

  test('addresses come from the range, without those that are set aside; what was asked for is shown', async () => {
    const flags =
      '--subnet 10.91.0.0/24 --gateway 10.91.0.9 --ip-range 10.91.0.128/29 --aux-address host1=10.91.0.129 --label a=b ' +
      '-o com.docker.network.bridge.name=zbr -o com.docker.network.driver.mtu=1400 -o foo=bar';
    assert.equal((await slipway('network', 'create', ...flags.split(' '), 'full'))[0], 0);
    const [, shown] = await slipway(
      'network',
      'inspect',
      '-f',
      '{{json .IPAM.Config}} {{json .Options}} {{json .Labels}} {{.Internal}}',
      'full',
    );
    assert.equal(
      shown,
      '[{"Subnet":"10.91.0.0/24","IPRange":"10.91.0.128/29","Gateway":"10.91.0.9","AuxiliaryAddresses":{"host1":"10.91.0.129"}}] ' +
        '{"com.docker.network.bridge.name":"zbr","com.docker.network.driver.mtu":"1400","foo":"bar"} {"a":"b"} false\n',
    );
    const addresses: string[] = [];
    for (const name of ['one', 'two']) {
      await f.manager.start(await f.manager.create(request({ args: ['sleep', '1000'], network: 'full', name })));
      addresses.push(f.manager.records.resolve(name).network!.ip);
    }
    assert.deepEqual(addresses, ['10.91.0.128', '10.91.0.130']);
    assert.match((await slipway('exec', 'one', 'ip', 'link', 'show', 'eth0'))[1], /mtu 1400/);
    assert.match(spawnSync('ip', ['link', 'show', 'zbr'], { encoding: 'utf8' }).stdout, /mtu 1400/);
    assert.match((await slipway('exec', 'one', 'ip', 'route'))[1], /default via 10\.91\.0\.9/);
    for (const name of ['one', 'two']) await f.manager.remove(f.manager.records.resolve(name), { force: true });
    await f.manager.parts.network.settled();
    assert.deepEqual((await slipway('network', 'rm', 'full'))[0], 0);
  });

  test('the last address of a range is given out, and none after it', async () => {
    await slipway('network', 'create', '--subnet', '10.91.0.0/24', '--ip-range', '10.91.0.8/31', 'narrow');
    const c = await f.manager.create(request({ args: ['sleep', '1000'], network: 'narrow', name: 'last' }));
    await f.manager.start(c);
    assert.equal(f.manager.records.resolve('last').network!.ip, '10.91.0.9'); // .8 is the gateway
    await assert.rejects(sh(f.manager, 'true', { network: 'narrow' }), /no available IPv4 addresses on network narrow/);
    await f.manager.remove(f.manager.records.resolve('last'), { force: true });
    await f.manager.parts.network.settled();
    await slipway('network', 'rm', 'narrow');
  });

  test('an internal network has no way out, and none in; its containers find each other', async () => {
    await slipway('network', 'create', '--internal', 'inner');
    assert.deepEqual(await slipway('network', 'ls', '-f', 'name=inner', '--format', '{{.Internal}}'), [0, 'true\n']);
    const serve = ['sh', '-c', 'mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www'];
    const port = { hostIp: '', hostPort: 8066, containerPort: 8080, protocol: 'tcp' as const };
    await f.manager.start(await f.manager.create(request({ args: serve, network: 'inner', name: 'web', ports: [port] })));
    await f.manager.start(
      await f.manager.create(request({ args: serve, network: 'bridge', name: 'outer', ports: [{ ...port, hostPort: 8067 }] })),
    );
    const { network } = f.manager.records.resolve('web');
    assert.deepEqual(network!.ports, []);
    const outer = f.manager.records.resolve('outer').network!;
    const inside = await sh(
      f.manager,
      `until wget -q -O - http://web:8080/; do sleep 0.1; done; ip route
       ip route add default via ${network!.gateway}
       for to in ${outer.ip}:8080 ${outer.gateway}:8067; do wget -q -T 1 -O - http://$to/ || echo no; done`,
      { network: 'inner', capAdd: ['NET_ADMIN'] },
    );
    assert.match(inside, /^page\n/);
    assert.ok(!inside.includes('default'), inside);
    assert.match(inside, /no\nno\n$/);
    for (const name of ['web', 'outer']) await f.manager.remove(f.manager.records.resolve(name), { force: true });
    await f.manager.parts.network.settled();
    assert.ok(!spawnSync('iptables-save', { encoding: 'utf8' }).stdout.toLowerCase().includes('slipway'));
    assert.equal((await slipway('network', 'rm', 'inner'))[0], 0);
  });
}
