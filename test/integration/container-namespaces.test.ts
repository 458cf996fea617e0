// Containers that share namespaces with the host or with another container: network, processes, shared memory, host name. In a network
// namespace of this test's own; needs root. What is refused is refused in the words of Docker 28.5.
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { readlinkSync } from 'node:fs';
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
    await f.manager.start(await f.manager.create(request({ args: ['sleep', '1000'], network: 'bridge', name: 'donor', ipc: 'shareable' })));
    await f.manager.create(request({ args: ['true'], network: 'bridge', name: 'resting' }));
  });
  after(() => f.dispose());

  const id = (name: string): string => f.manager.records.resolve(name).id;
  const slipway = async (...args: string[]): Promise<[number, string]> => {
    const { status, stdout, stderr } = await line.run(args);
    return [status, status === 0 ? stdout : stderr.split('\n')[0]!.replace(/^error: /, '')];
  };

  for (const [flags, message] of [
    ['--network container:nope', 'joining network namespace of container: No such container: nope'],
    ['--network container:resting', 'cannot join network namespace of a non running container: container resting is created'],
    ['--network container:', 'invalid network mode: invalid container format container:<name|id>'],
    ['--network container:donor -p 80:80', 'conflicting options: port publishing and the container type network mode'],
    ['--network container:donor -P', 'conflicting options: port publishing and the container type network mode'],
    ['--network container:donor --expose 80', 'conflicting options: port exposing and the container type network mode'],
    ['--network container:donor --hostname x', 'conflicting options: hostname and the network mode'],
    ['--network container:donor --dns 1.1.1.1', 'conflicting options: dns and the network mode'],
    ['--network container:donor --add-host a:1.1.1.1', 'conflicting options: custom host-to-IP mapping and the network mode'],
    ['--network container:donor --network-alias b', 'network-scoped aliases are only supported for user-defined networks'],
    ['--pid foo', '--pid: invalid PID mode'],
    ['--pid container:', '--pid: invalid PID mode'],
    ['--pid container:nope', 'No such container: nope'],
    ['--pid container:resting', 'failed to join PID namespace: container RESTING is not running'],
    ['--ipc foo', 'invalid IPC mode: foo'],
    ['--ipc container:resting', 'failed to join IPC namespace: container RESTING is not running'],
    ['--uts foo', '--uts: invalid UTS mode'],
    ['--uts host --hostname x', 'conflicting options: hostname and the UTS mode'],
    ['--userns foo', '--userns: invalid USER mode'],
    ['--cgroupns foo', '--cgroupns: invalid CGROUP mode'],
  ] as const)
    test(`run ${flags} is refused`, async () => {
      assert.deepEqual(await slipway('run', '--rm', ...flags.split(' '), 'tiny', 'true'), [125, message.replace('RESTING', id('resting'))]);
      assert.deepEqual(
        f.manager.records
          .all()
          .map((c) => c.name)
          .sort(),
        ['donor', 'resting'],
      );
    });

  test("the network of another container: its addresses, its name, its files; inspect has Docker's words", async () => {
    const [, theirs] = await slipway('exec', 'donor', 'sh', '-c', 'ip -o -4 addr; hostname; cat /etc/hosts /etc/resolv.conf');
    const ours = await sh(f.manager, 'ip -o -4 addr; hostname; cat /etc/hosts /etc/resolv.conf', { network: 'container:donor' });
    assert.equal(ours, theirs);
    assert.match(ours, /eth0/);
    const c = await f.manager.create(request({ args: ['sleep', '1000'], network: `container:${id('donor').slice(0, 8)}`, name: 'guest' }));
    await f.manager.start(c);
    const format = '{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Networks}} {{.Config.Hostname}}';
    assert.deepEqual(await slipway('inspect', '-f', format, 'guest'), [0, `container:${id('donor')} {} ${id('donor').slice(0, 12)}\n`]);
    assert.deepEqual(await slipway('ps', '--format', '{{.Names}} {{.Networks}}', '-f', 'name=guest'), [0, 'guest \n']);
  });

  test('when the container that was joined is stopped, loopback stays; it can be joined again when it runs', async () => {
    const donor = f.manager.records.resolve('donor');
    await f.manager.stop(donor, { seconds: 0 });
    const guest = f.manager.records.resolve('guest');
    assert.equal(guest.state.status, 'running');
    const [, links] = await slipway('exec', 'guest', 'ip', '-o', 'link');
    assert.ok(links.includes('lo:') && !links.includes('eth0'), links);
    const refusal = 'cannot join network namespace of a non running container: container donor is exited';
    const [status, message] = await slipway('restart', '-t', '0', 'guest');
    assert.equal(status, 1);
    assert.match(message, new RegExp(`${refusal}$`));
    assert.deepEqual(await slipway('inspect', '-f', '{{.State.Status}} {{.State.Error}}', 'guest'), [0, `exited ${refusal}\n`]);
    await f.manager.start(donor);
    await f.manager.start(f.manager.records.resolve('guest'));
    assert.match((await slipway('exec', 'guest', 'ip', '-o', '-4', 'addr'))[1], /eth0/);
    // the address that it had is free, and nothing of the old pair of interfaces is left
    await f.manager.restart(f.manager.records.resolve('donor'), { seconds: 0 });
    assert.ok(!(await slipway('exec', 'guest', 'ip', '-o', 'link'))[1].includes('eth0'));
    await f.manager.remove(f.manager.records.resolve('guest'), { force: true });
  });

  test('a container that is joined, and is gone, is named', async () => {
    await f.manager.start(await f.manager.create(request({ args: ['sleep', '1000'], network: 'none', name: 'short' })));
    const gone = id('short');
    await f.manager.create(request({ args: ['true'], network: 'container:short', name: 'orphan' }));
    await f.manager.remove(f.manager.records.resolve('short'), { force: true });
    assert.match((await slipway('start', 'orphan'))[1], new RegExp(`joining network namespace of container: No such container: ${gone}$`));
    await f.manager.remove(f.manager.records.resolve('orphan'));
  });

  test('processes of the host, and of another container', async () => {
    assert.match(await sh(f.manager, 'ps', { pid: 'container:donor' }), /1 root +sleep 1000/);
    assert.equal((await sh(f.manager, 'readlink /proc/self/ns/pid', { pid: 'host' })).trim(), readlinkSync('/proc/self/ns/pid'));
    assert.deepEqual(await slipway('run', '--rm', '--pid', 'container:donor', '--network', 'none', 'tiny', 'sh', '-c', 'exit 7'), [7, '']);
  });

  test('what a container in the processes of another leaves ends with it', async () => {
    await sh(f.manager, 'sleep 4321 & true', { pid: 'container:donor' });
    assert.ok(!(await slipway('exec', 'donor', 'ps'))[1].includes('4321'));
  });

  test('shared memory: of the host, of another container, none', async () => {
    await slipway('exec', 'donor', 'sh', '-c', 'echo theirs > /dev/shm/word');
    assert.equal(await sh(f.manager, 'cat /dev/shm/word; echo ours > /dev/shm/answer', { ipc: 'container:donor' }), 'theirs\n');
    assert.deepEqual(await slipway('exec', 'donor', 'cat', '/dev/shm/answer'), [0, 'ours\n']);
    assert.equal((await sh(f.manager, 'readlink /proc/self/ns/ipc', { ipc: 'host' })).trim(), readlinkSync('/proc/self/ns/ipc'));
    assert.equal(await sh(f.manager, 'test -e /dev/shm || echo none', { ipc: 'none' }), 'none\n');
    await f.manager.start(await f.manager.create(request({ args: ['sleep', '1000'], name: 'private' })));
    const hint = 'non-shareable IPC (hint: use IpcMode:shareable for the donor container)';
    assert.deepEqual(await slipway('run', '--rm', '--ipc', 'container:private', 'tiny', 'true'), [
      125,
      `failed to join IPC namespace: container ${id('private')}: ${hint}`,
    ]);
    await f.manager.remove(f.manager.records.resolve('private'), { force: true });
  });

  test('the host name, the control groups and the users of the host', async () => {
    assert.equal(await sh(f.manager, 'hostname', { uts: 'host' }), `${hostname()}\n`);
    assert.equal(await sh(f.manager, 'hostname', { network: 'host', hostname: 'own' }), 'own\n');
    const cgroup = await sh(f.manager, 'readlink /proc/self/ns/cgroup', { cgroupns: 'host' });
    assert.equal(cgroup.trim(), readlinkSync('/proc/self/ns/cgroup'));
    assert.notEqual(await sh(f.manager, 'readlink /proc/self/ns/cgroup', { cgroupns: 'private' }), cgroup);
    assert.equal((await sh(f.manager, 'readlink /proc/self/ns/user', { userns: 'host' })).trim(), readlinkSync('/proc/self/ns/user'));
    const modes =
      '{{.HostConfig.PidMode}}|{{.HostConfig.IpcMode}}|{{.HostConfig.UTSMode}}|{{.HostConfig.UsernsMode}}|{{.HostConfig.CgroupnsMode}}';
    await slipway(
      'create',
      '--name',
      'modes',
      '--pid',
      'container:donor',
      '--ipc',
      'none',
      '--uts',
      'host',
      '--userns',
      'host',
      '--cgroupns',
      'private',
      'tiny',
    );
    assert.deepEqual(await slipway('inspect', '-f', modes, 'modes'), [0, `container:${id('donor')}|none|host|host|private\n`]);
    await f.manager.remove(f.manager.records.resolve('modes'));
  });
}
