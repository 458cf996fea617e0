// compose against `serve`: three services with a build, health, conditions, networks, a volume, a secret, a configuration, profiles and scale.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { COMPOSE, DOCKER, noCompose, noDocker, runClient } from '../support/docker-clients.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../support/own-network.ts';

const FILES: Readonly<Record<string, string>> = {
  token: 'sesame\n',
  'web/Dockerfile': `FROM tiny
ARG WORD=hello
RUN mkdir -p /srv && echo "$WORD" > /srv/index.html
CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 -h /srv & wait"]
`,
  'compose.yaml': `
name: shop
services:
  db:
    image: tiny
    command: ["sh", "-c", "trap 'exit 0' TERM; echo born > /data/born; sleep 1000 & wait"]
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: { test: ["CMD", "test", "-e", "/data/born"], interval: 1s, retries: 100, start_period: 1s }
  web:
    build: { context: web, args: { WORD: compose } }
    depends_on: { db: { condition: service_healthy } }
    networks: { back: { aliases: [shopfront] }, front: {} }
    secrets: [token]
    configs: [{ source: words, target: /words }]
    healthcheck: { test: ["CMD", "wget", "-qO-", "http://127.0.0.1:8080/"], interval: 1s, retries: 100 }
  check:
    image: tiny
    command: ["sh", "-c", "wget -qO- http://shopfront:8080/ && cat /data/born"]
    depends_on: { web: { condition: service_healthy } }
    networks: [back]
    volumes: ["data:/data:ro"]
    deploy: { resources: { limits: { memory: 64M } } }
  debug:
    image: tiny
    profiles: [debug]
    command: sleep 1000
    init: true
    stop_signal: SIGKILL
    networks: [front]
networks: { back: {}, front: { internal: true } }
volumes: { data: { labels: { kept: "no" } } }
secrets: { token: { file: ./token } }
configs: { words: { content: "some words\\n" } }
`,
};

if (inOwnNetwork(import.meta.url)) {
  let api: ApiServer;
  let env: Record<string, string>;
  let shop: string;
  before(async () => {
    prepareOwnNetwork();
    api = await apiServer();
    env = { DOCKER_HOST: `unix://${api.path}`, HOME: api.folder, DOCKER_CONFIG: join(api.folder, 'config') };
    shop = join(api.folder, 'shop');
    mkdirSync(join(shop, 'web'), { recursive: true });
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(shop, name), text);
  });
  after(() => api.close());

  const compose = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await runClient(COMPOSE!, args, { env, cwd: shop });
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  };
  const states = async (): Promise<string[]> =>
    (await compose('--profile', 'debug', 'ps', '-a', '--format', '{{.Name}} {{.State}}')).trim().split('\n').sort();

  test('a project, up to down', { skip: noCompose }, async () => {
    // the image first: what builds it is buildx, where it is there, or the original engine
    await compose('build');
    await compose('up', '-d');
    assert.equal((await api.request('POST /containers/shop-check-1/wait')).json.StatusCode, 0);
    assert.deepEqual(await states(), ['shop-check-1 exited', 'shop-db-1 running', 'shop-web-1 running']);
    assert.equal(await compose('logs', '--no-log-prefix', 'check'), 'compose\nborn\n');
    assert.equal(await compose('exec', '-T', 'web', 'cat', '/run/secrets/token', '/words'), 'sesame\nsome words\n');
    const first = await compose('ps', '-q', 'web');

    // nothing is made a second time that has not changed
    await compose('--profile', 'debug', 'up', '-d', '--scale', 'web=2');
    assert.deepEqual(await states(), [
      'shop-check-1 exited',
      'shop-db-1 running',
      'shop-debug-1 running',
      'shop-web-1 running',
      'shop-web-2 running',
    ]);
    await compose('up', '-d');
    assert.equal(await compose('ps', '-q', 'web'), first);
    assert.equal(await compose('run', '--rm', '-T', 'debug', 'echo', 'once'), 'once\n');
    await compose('restart', 'web');
    await compose('pause', 'db');
    await compose('unpause', 'db');
    assert.match(await compose('top', 'web'), /httpd -f -p 8080/);
    assert.doesNotMatch(await compose('images'), /years ago/);
    await compose('--profile', 'debug', 'down', '-v', '--rmi', 'local', '-t', '1');
    assert.deepEqual((await api.request('GET /containers/json?all=1')).json, []);
    assert.deepEqual((await api.request('GET /volumes')).json.Volumes, []);
    assert.equal((await api.request('GET /images/shop-web/json')).status, 404);
    const { json } = await api.request('GET /networks');
    assert.deepEqual(json.map((one: { Name: string }) => one.Name).sort(), ['bridge', 'host', 'none']);
  });

  test('the docker command line', { skip: noDocker }, async () => {
    const docker = async (args: string, input?: string): Promise<string> => {
      const { status, stdout, stderr } = await runClient(DOCKER!, args.split(' '), { env, ...(input !== undefined && { input }) });
      return `${stdout}${stderr}${status === 0 ? '' : `(${status})`}`;
    };
    assert.equal(await docker('run --rm --network none tiny echo words'), 'words\n');
    assert.equal(await docker('run --rm -i --network none tiny cat', 'through\n'), 'through\n');
    assert.equal(await docker('run --rm --network none tiny sh -c exit${IFS}5'), '(5)');
    assert.match(await docker('run --rm --network none tiny /nothing'), /"\/nothing".*\(127\)$/s);
    assert.match(await docker('run -d --name here --network none -e A=b tiny sleep 1000'), /^[0-9a-f]{64}\n$/);
    assert.equal(await docker('exec here sh -c echo${IFS}$A'), 'b\n');
    assert.equal(await docker('exec -i here cat', 'in\n'), 'in\n');
    assert.match(await docker('stats --no-stream --format {{.Name}} here'), /^here\n/);
    await docker(`cp here:/etc/group ${api.folder}/group`);
    assert.match(readFileSync(join(api.folder, 'group'), 'utf8'), /^root:/);
    assert.equal(await docker('kill here'), 'here\n');
    assert.equal(await docker('wait here'), '137\n');
    assert.equal(await docker('ps -a --format {{.Names}}'), 'here\n');
    assert.equal(await docker('rm here'), 'here\n');
    assert.match(
      await docker(`events --since 0 --until ${Date.now() / 1000} --filter event=destroy --format {{.Actor.Attributes.name}}`),
      /here/,
    );
  });
}
