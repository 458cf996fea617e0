// Other clients of Docker's API against `serve`: testcontainers, and skopeo's docker-daemon:.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findExecutable } from '../../src/sys/index.ts';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { clientPackage, noPackages, runClient } from '../support/docker-clients.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';

/** Of skopeo 1.N, the first that does not ask for version 1.22. */
const NEGOTIATES = 20;

if (inOwnNetwork(import.meta.url)) {
  let api: ApiServer;
  before(async () => {
    prepareOwnNetwork();
    api = await apiServer();
  });
  after(() => api.close());

  const folderOf = (name: string, files: Readonly<Record<string, string>>): string => {
    const folder = join(api.folder, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  };

  test('testcontainers', { skip: noPackages }, async () => {
    // read when the package is loaded; Ryuk's image is at a registry
    process.env['DOCKER_HOST'] = `unix://${api.path}`;
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    const { GenericContainer, Network, Wait } = clientPackage('testcontainers');
    const network = await new Network().start();
    const script = 'echo ready; mkdir -p /srv; echo words > /srv/index.html; exec httpd -f -p 8080 -h /srv';
    const c = await new GenericContainer('tiny')
      .withCommand(['sh', '-c', script])
      .withExposedPorts(8080)
      .withNetwork(network)
      .withNetworkAliases('web')
      .withWaitStrategy(Wait.forAll([Wait.forLogMessage('ready'), Wait.forListeningPorts()]))
      .withCopyContentToContainer([{ content: 'copied', target: '/copied' }])
      .withEnvironment({ A: 'b' })
      .start();
    assert.equal((await c.exec(['sh', '-c', 'cat /copied; echo $A'])).output, 'copiedb\n');
    assert.equal(await (await fetch(`http://${c.getHost()}:${c.getMappedPort(8080)}/`)).text(), 'words\n');
    const healthy = await new GenericContainer('tiny')
      .withCommand(['sleep', '1000'])
      .withNetwork(network)
      .withHealthCheck({ test: ['CMD', 'wget', '-qO-', 'http://web:8080/'], interval: 500, timeout: 60_000, retries: 100, startPeriod: 0 })
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    await healthy.restart();
    await healthy.stop();

    const folder = folderOf('tc', { Dockerfile: 'FROM tiny\nARG W=0\nRUN echo $W > /w\nCMD ["sleep", "1000"]\n' });
    for (const buildkit of [false, true]) {
      const builder = GenericContainer.fromDockerfile(folder).withBuildArgs({ W: 'x' });
      const image = await (buildkit ? builder.withBuildkit() : builder).build(`tc:${buildkit}`, { deleteOnExit: false });
      const built = await image.start();
      assert.equal((await built.exec(['cat', '/w'])).output, 'x\n');
      await built.stop();
    }
    await c.stop();
    await network.stop();
    assert.deepEqual((await api.request('GET /containers/json?all=1')).json, []);
  });

  const skopeo = process.env['SLIPWAY_TEST_SKOPEO'] ?? findExecutable('skopeo');
  const minor =
    skopeo === undefined
      ? undefined
      : Number(/version \d+\.(\d+)/.exec(spawnSync(skopeo, ['--version'], { encoding: 'utf8' }).stdout)?.[1]);
  const noSkopeo =
    minor === undefined
      ? 'skopeo is not installed'
      : !(minor >= NEGOTIATES) &&
        `skopeo 1.${minor} asks for API 1.22, which no engine of today answers: name another by SLIPWAY_TEST_SKOPEO`;
  test('skopeo', { skip: noSkopeo }, async () => {
    const folder = folderOf('whole', { Dockerfile: 'FROM scratch\nCOPY busybox /bin/busybox\nLABEL by=skopeo\n' });
    copyFileSync(findExecutable('busybox')!, join(folder, 'busybox'));
    const tar = spawnSync('tar', ['-c', '-C', folder, '.'], { maxBuffer: 1 << 28 }).stdout;
    const { body } = await api.request('POST /build?t=whole', tar, { 'Content-Type': 'application/x-tar' });
    assert.match(body, /Successfully tagged/);
    const run = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await runClient(skopeo!, ['--insecure-policy', '--tmpdir', api.folder, ...args], { env: {} });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const host = ['--daemon-host', `unix://${api.path}`];
    assert.equal(JSON.parse(await run('inspect', ...host, 'docker-daemon:whole:latest')).Labels.by, 'skopeo');
    const layout = `oci:${join(api.folder, 'layout')}:whole`;
    await run('copy', '--src-daemon-host', host[1]!, 'docker-daemon:whole:latest', layout);
    await run('copy', '--dest-daemon-host', host[1]!, layout, 'docker-daemon:again:1');
    const [one, two] = [await api.request('GET /images/whole/json'), await api.request('GET /images/again:1/json')];
    assert.deepEqual(two.json.RootFS, one.json.RootFS);
    assert.deepEqual(two.json.Config.Labels, { by: 'skopeo' });
  });
}
