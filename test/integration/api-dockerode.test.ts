// dockerode against `serve`: what programs on Node do with containers, images, builds, networks and volumes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer, frames } from '../support/api-server.ts';
import { clientPackage, noPackages } from '../support/docker-clients.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';

if (inOwnNetwork(import.meta.url)) {
  let api: ApiServer;
  let docker: any;
  before(async () => {
    prepareOwnNetwork();
    api = await apiServer();
    if (noPackages === false) docker = new (clientPackage('dockerode'))({ socketPath: api.path });
  });
  after(() => api.close());

  const skip = noPackages;
  const textOf = async (stream: Readable): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
    return Buffer.concat(chunks).toString('latin1');
  };
  const tarOf = (files: Readonly<Record<string, string>>): Buffer => {
    const folder = join(api.folder, 'files');
    spawnSync('rm', ['-rf', folder]);
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return spawnSync('tar', ['-c', '-C', folder, '.']).stdout;
  };
  const progress = (stream: Readable): Promise<any[]> =>
    new Promise((resolve, reject) => docker.modem.followProgress(stream, (e: Error | null, all: any[]) => (e ? reject(e) : resolve(all))));

  test('a container from its creation to its removal', { skip }, async () => {
    const events = (await docker.getEvents({ filters: { type: ['container'] } })) as Readable;
    const c = await docker.createContainer({
      Image: 'tiny',
      name: 'first',
      Cmd: ['sh', '-c', 'read x; echo got $x; echo err >&2; exec sleep 1000'],
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: 'none' },
    });
    const attached = await c.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    await c.start();
    attached.write('there\n');
    const [out, err] = [new PassThrough(), new PassThrough()];
    c.modem.demuxStream(attached, out, err);
    for await (const chunk of err) if (String(chunk) === 'err\n') break;
    assert.equal(String(out.read()), 'got there\n');

    const exec = await c.exec({ Cmd: ['sh', '-c', 'cat; exit 7'], AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const piped = await exec.start({ hijack: true, stdin: true });
    piped.write('piped\n');
    piped.end();
    assert.equal(frames(await textOf(piped)), '1:piped\n');
    assert.equal((await exec.inspect()).ExitCode, 7);

    const followed = textOf(await c.logs({ stdout: true, stderr: true, follow: true }));
    assert.deepEqual(frames((await c.logs({ stdout: true })).toString('latin1')), '1:got there\n');
    const stats = await c.stats({ stream: false });
    assert.ok(stats.memory_stats.usage > 0 && stats.cpu_stats.cpu_usage.total_usage > 0);
    assert.equal((await c.top()).Titles[1], 'PID');
    await c.putArchive(tarOf({ f: 'file words' }), { path: '/tmp' });
    assert.match(await textOf(await c.getArchive({ path: '/tmp/f' })), /file words/);
    const { headers } = await c.infoArchive({ path: '/tmp/f' });
    assert.equal(JSON.parse(Buffer.from(headers['x-docker-container-path-stat'], 'base64').toString()).size, 10);
    assert.deepEqual(
      (await c.changes()).map((one: any) => one.Path),
      ['/tmp', '/tmp/f'],
    );
    await c.update({ Memory: 64 << 20, MemorySwap: 128 << 20 });
    await c.pause();
    assert.equal((await c.inspect()).State.Status, 'paused');
    await c.unpause();
    await c.rename({ name: 'second' });
    const { Id } = await c.commit({ repo: 'committed', tag: 'x', comment: 'why' });
    assert.equal((await docker.getImage('committed:x').inspect()).Id, Id);
    const ended = c.wait();
    await c.kill();
    assert.deepEqual(await ended, { StatusCode: 137 });
    assert.deepEqual(
      frames(await followed)
        .split('|')
        .sort(),
      ['1:got there\n', '2:err\n'],
    );
    await c.remove({ v: true });

    const seen: string[] = [];
    for await (const line of events) {
      seen.push(
        ...String(line)
          .split('\n')
          .filter(Boolean)
          .map((one) => (JSON.parse(one) as { Action: string }).Action),
      );
      if (seen.includes('destroy')) break;
    }
    // a commit pauses
    const main = ['create', 'attach', 'start', 'pause', 'unpause', 'rename', 'pause', 'unpause', 'commit', 'kill', 'die', 'destroy'];
    assert.deepEqual(
      seen.filter((one) => main.includes(one)),
      main,
    );
  });

  test('builds of both versions, and run', { skip }, async () => {
    const context = tarOf({ Dockerfile: 'FROM tiny\nARG W=1\nRUN echo $W > /w\nCOPY f /f\n', f: 'hi' });
    for (const version of ['1', '2']) {
      const name = `built:${version}`;
      const lines = await progress(await docker.buildImage(context, { t: name, buildargs: { W: 'yes' }, version }));
      const { Id } = await docker.getImage(name).inspect();
      assert.ok(
        lines.some((line) => line.aux?.ID === Id || line.ID === Id),
        JSON.stringify(lines),
      );
      const out = new PassThrough();
      const printed = textOf(out);
      const [result] = await docker.run(name, ['cat', '/w'], out, { HostConfig: { NetworkMode: 'none' } });
      assert.deepEqual([result.StatusCode, await printed], [0, 'yes\r\n']);
      // the package rejects for some failures, and gives others as the last line
      const failing = docker.buildImage(tarOf({ Dockerfile: 'FROM tiny\nRUN exit 9\n' }), { version }).then(progress);
      const told = await failing.then((all: any[]) => all.at(-1).error, String);
      assert.match(told, /(?:exit )?code: 9/);
    }
  });

  test('networks and volumes', { skip }, async () => {
    const network = await docker.createNetwork({ Name: 'inner', Labels: { a: 'b' }, IPAM: { Config: [{ Subnet: '10.77.0.0/24' }] } });
    const c = await docker.createContainer({ Image: 'tiny', Cmd: ['sleep', '1000'], HostConfig: { Binds: ['words:/words'] } });
    await network.connect({ Container: c.id, EndpointConfig: { Aliases: ['alias'], IPAMConfig: { IPv4Address: '10.77.0.9' } } });
    await c.start();
    assert.equal((await network.inspect()).Containers[c.id].IPv4Address, '10.77.0.9/24');
    await network.disconnect({ Container: c.id });
    await c.remove({ force: true });
    await network.remove();
    const { Volumes } = await docker.listVolumes({ filters: { name: ['words'] } });
    assert.deepEqual(
      Volumes.map((one: any) => one.Name),
      ['words'],
    );
    await docker.getVolume('words').remove();
    await assert.rejects(docker.getVolume('words').inspect(), { statusCode: 404 });
    assert.ok(Array.isArray((await docker.df()).Images));
  });
}
