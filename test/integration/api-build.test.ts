// Builds by Docker's API, as clients without BuildKit ask for them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiServer, apiServer } from '../support/api-server.ts';
import { converse } from '../support/raw-http.ts';

let api: ApiServer;
before(async () => {
  api = await apiServer();
});
after(() => api.close());

/** A context as a tar. */
function context(files: Readonly<Record<string, string>>): Buffer {
  const folder = join(api.folder, 'context');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return execFileSync('tar', ['cf', '-', '-C', folder, '.']);
}

type Line = { readonly stream?: string; readonly aux?: { readonly ID: string }; readonly error?: string; readonly errorDetail?: object };

async function build(query: string, files: Readonly<Record<string, string>>, headers: Record<string, string> = {}) {
  const answer = await api.request(`POST /v1.51/build?${query}`, context(files), { 'Content-Type': 'application/x-tar', ...headers });
  const lines = answer.body.startsWith('{')
    ? answer.body
        .split('\r\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];
  return { ...answer, lines, text: lines.map((l) => l.stream ?? '').join('') };
}

const json = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

test('a build, with what its query asks for', async () => {
  const files = { 'other.df': 'FROM tiny AS base\nARG WHO\nENV WHO=$WHO\nFROM base AS wanted\nLABEL a=b\nFROM wanted AS unwanted\n' };
  const { status, head, lines, text } = await build(
    `dockerfile=other.df&t=built:1&t=built:2&target=wanted&buildargs=${json({ WHO: 'me', NOT: null })}&labels=${json({ from: 'query' })}&version=1&ulimits=null&cachefrom=[]&networkmode=default`,
    files,
  );
  assert.equal(status, 200);
  assert.match(head, /content-type: application\/json/i);
  assert.match(text, /^Step 1\/6 : FROM tiny AS base\n ---> [0-9a-f]{12}\n/);
  const id = lines.flatMap((l) => l.aux?.ID ?? []).at(-1);
  assert.match(String(id), /^sha256:/);
  assert.match(text, new RegExp(`Successfully built ${id?.slice(7, 19)}\nSuccessfully tagged built:1\nSuccessfully tagged built:2\n$`));
  const { json: image } = await api.request('GET /images/built:2/json');
  assert.equal(image.Id, id);
  assert.ok(image.Config.Env.includes('WHO=me'));
  assert.deepEqual([image.Config.Labels.a, image.Config.Labels.from], ['b', 'query']);
  const again = await build(`dockerfile=other.df&target=wanted&buildargs=${json({ WHO: 'me' })}&labels=${json({ from: 'query' })}`, files);
  assert.match(again.text, / ---> Using cache\n/);
  const quiet = await build(
    `dockerfile=other.df&target=wanted&q=1&buildargs=${json({ WHO: 'me' })}&labels=${json({ from: 'query' })}`,
    files,
  );
  assert.equal(quiet.text, `${id}\n`);
});

test('what fails, before the stream and in it', async () => {
  const without = await build('t=x', { file: '' });
  assert.equal(without.status, 404, without.body);
  assert.match(without.json.message, /Dockerfile/);
  const wrong = await build('', { Dockerfile: 'FROM tiny\nRUN exit 3\n' });
  assert.equal(wrong.status, 200);
  const message = "The command '/bin/sh -c exit 3' returned a non-zero code: 3";
  assert.deepEqual(wrong.lines.at(-1), { errorDetail: { code: 3, message }, error: message });
  for (const [query, expected] of [
    ['memory=100', /Minimum memory limit allowed is 6MB/],
    ['cgroupparent=x', /cgroupparent is not supported/],
    ['networkmode=container:x', /network mode "container:x" is not supported/],
    ['t=*', /invalid reference format/],
    ['buildargs=x', /invalid JSON in buildargs/],
    ['labels=[]', /labels must be an object/],
  ] as const) {
    const refused = await build(query, { Dockerfile: 'FROM tiny\n' });
    assert.ok(refused.status === 400 || refused.status === 501, `${query}: ${refused.status}`);
    assert.match(refused.json.message, expected);
  }
  const header = await build('', { Dockerfile: 'FROM tiny\n' }, { 'X-Registry-Config': 'no base64 of JSON' });
  assert.equal(header.status, 400);
});

test('a build is cancelled by its name, and by a client that goes away', async () => {
  const tar = context({ Dockerfile: 'FROM tiny\nRUN sleep 98765\n' });
  const begin = (query: string) => {
    const head = `POST /build?${query} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: ${tar.length}\r\n\r\n`;
    return converse(api.path, Buffer.concat([Buffer.from(head), tar]));
  };
  const named = begin('buildid=mine');
  await named.until(/Running in/);
  // others are served meanwhile
  assert.equal((await api.request('GET /_ping')).body, 'OK');
  assert.equal((await api.request('POST /build/cancel?id=mine')).status, 200);
  await named.until(/"error":"/);
  named.socket.destroy();
  const left = begin('');
  await left.until(/Running in/);
  left.socket.destroy();
  const running = (): string => execFileSync('sh', ['-c', "ps -eo args | grep -c '^[s]leep 98765' || true"], { encoding: 'utf8' }).trim();
  while (running() !== '0') await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await api.request('POST /build/cancel')).status, 400);
});

test('the cache of builds', async () => {
  const { status, json: pruned } = await api.request('POST /build/prune?all=1');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(pruned), ['CachesDeleted', 'SpaceReclaimed']);
  assert.equal((await api.request(`POST /build/prune?filters=${json({ colour: ['red'] })}`)).status, 400);
});
