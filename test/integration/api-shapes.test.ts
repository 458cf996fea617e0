// The fields of answers, and their types, are those of Docker's engine. `api-shapes.json` has what version 28.5.2 answers (API 1.51): types in
// the place of values, `*` for maps with any keys.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { prepareOwnNetwork, inOwnNetwork } from '../support/own-network.ts';

type Shape = null | string | readonly Shape[] | { readonly [key: string]: Shape };

const SHAPES = JSON.parse(readFileSync(new URL('api-shapes.json', import.meta.url), 'utf8')) as Record<string, Shape>;

/** What is not there, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'GET /info.Containerd': 'there is no containerd',
  'GET /containers/{id}/stats.memory_stats.max_usage': 'of control groups of the first version alone',
};

if (inOwnNetwork(import.meta.url)) {
  let api: ApiServer;
  before(async () => {
    prepareOwnNetwork();
    api = await apiServer();
  });
  after(() => api.close());

  /** Where two differ; what Docker has as null, or as an empty list, says nothing of its type. */
  function differences(docker: Shape, ours: unknown, at: string): string[] {
    if (docker === null || ours === null || LEFT_OUT[at] !== undefined)
      return ours === undefined && LEFT_OUT[at] === undefined ? [`${at} is missing`] : [];
    if (ours === undefined) return [`${at} is missing`];
    if (typeof docker === 'string') return typeof ours === docker ? [] : [`${at} is ${JSON.stringify(ours)}, not a ${docker}`];
    if (Array.isArray(docker)) {
      if (!Array.isArray(ours)) return [`${at} is no list`];
      return docker.length === 0 || ours.length === 0 ? [] : differences(docker[0] as Shape, ours[0], `${at}[0]`);
    }
    if (typeof ours !== 'object' || Array.isArray(ours)) return [`${at} is no object`];
    const fields = docker as { readonly [key: string]: Shape };
    if (fields['*'] !== undefined) return Object.values(ours).flatMap((one) => differences(fields['*']!, one, `${at}.*`));
    return Object.entries(fields).flatMap(([key, one]) => differences(one, (ours as Record<string, unknown>)[key], `${at}.${key}`));
  }

  test("every field of Docker's answers is there, with its type", async () => {
    await api.request('POST /networks/create', { Name: 'shape-net' });
    await api.request('POST /volumes/create', { Name: 'shape-volume', Labels: { a: 'b' } });
    const { json: c, body } = await api.request('POST /containers/create', {
      Image: 'tiny',
      Cmd: ['sleep', '1000'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: 'shape-net', PortBindings: { '80/tcp': [{}] }, Binds: ['/etc:/x:ro'] },
    });
    assert.ok(c.Id, body);
    const started = await api.request(`POST /containers/${c.Id}/start`);
    assert.equal(started.status, 204, started.body);
    const { json: exec } = await api.request(`POST /containers/${c.Id}/exec`, { Cmd: ['true'], AttachStdout: true });
    const filters = encodeURIComponent(JSON.stringify({ container: [c.Id], event: ['start'] }));
    const paths: Readonly<Record<string, string>> = {
      'GET /containers/{id}/json': `GET /containers/${c.Id}/json`,
      'GET /containers/{id}/stats': `GET /containers/${c.Id}/stats?stream=false&one-shot=true`,
      'GET /containers/{id}/top': `GET /containers/${c.Id}/top`,
      'GET /images/{name}/json': 'GET /images/tiny/json',
      'GET /images/{name}/history': 'GET /images/tiny/history',
      'GET /networks/{id}': 'GET /networks/shape-net',
      'GET /volumes/{name}': 'GET /volumes/shape-volume',
      'GET /exec/{id}/json': `GET /exec/${exec.Id}/json`,
      'GET /events': `GET /events?since=1&until=${Math.floor(Date.now() / 1000) + 1}&filters=${filters}`,
    };
    const found: string[] = [];
    for (const [route, shape] of Object.entries(SHAPES)) {
      const { status, json, body: text } = await api.request(paths[route] ?? route);
      assert.equal(status, 200, `${route}: ${text}`);
      found.push(...differences(shape, json, route));
    }
    assert.deepEqual(found, []);
  });
}
