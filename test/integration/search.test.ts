// `search`, at a server of the test that has `/v1/search` as Docker Hub has it; what is expected is what Docker 28.5 prints for the same answers.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parseSearchTerm } from '../../src/registry/index.ts';
import { removeTree } from '../../src/sys/index.ts';
import { CommandLine } from '../support/command-line.ts';

const RESULTS = [
  { name: 'busybox', description: 'Busybox base image.', star_count: 3000, is_official: true, is_automated: false },
  {
    name: 'me/busybox',
    description: 'Mine: a description that is much longer than forty-five characters, and has\na line break',
    star_count: 2,
    is_official: false,
    is_automated: true,
  },
  { name: 'you/bb', description: '', star_count: 0, is_official: false, is_automated: false },
];

const folder = mkdtempSync('/dev/shm/slipway-search-');
const config = join(folder, 'docker');
const line = new CommandLine({
  env: {
    ...process.env,
    HOME: folder,
    DOCKER_CONFIG: config,
    SLIPWAY_ROOT: join(folder, 'root'),
    SLIPWAY_RUN: join(folder, 'run'),
    NO_COLOR: '1',
  },
  cwd: folder,
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const json = (response: ServerResponse, value: unknown): unknown =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const usual: Answer = (request, response) => {
  const n = Number(new URL(request.url ?? '', 'http://x').searchParams.get('n'));
  json(response, { num_results: RESULTS.length, query: 'busybox', results: RESULTS.slice(0, n) });
};

let answer: Answer;
let asked: string[];
let host: string;
const server = createServer((request, response) => {
  if (request.url === '/v1/_ping') return void response.writeHead(200).end('{}');
  asked.push(request.url ?? '');
  answer(request, response);
});
before(async () => {
  mkdirSync(config);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  answer = usual;
  asked = [];
});
after(() => {
  server.close();
  removeTree(folder);
});

const search = (...flags: string[]): Promise<string> => line.ok('search', ...flags, `${host}/busybox`);
const refused = async (...flags: string[]): Promise<[number, string]> => {
  const { status, stderr } = await line.run(['search', ...flags, `${host}/busybox`]);
  return [status, stderr.split('\n')[0]!];
};

const HEAD = 'NAME         DESCRIPTION                                     STARS     OFFICIAL\n';
const [BUSYBOX, MINE, YOURS] = [
  'busybox      Busybox base image.                             3000      [OK]\n',
  'me/busybox   Mine: a description that is much longer than…   2         \n',
  'you/bb                                                       0         \n',
];

test('the list', async () => {
  assert.equal(await search(), HEAD + BUSYBOX + MINE + YOURS);
  assert.deepEqual(asked, ['/v1/search?q=busybox&n=25']);
  assert.equal(await search('-f', 'is-official=false'), HEAD + MINE + YOURS);
  assert.equal(await search('-f', 'stars=2'), HEAD + BUSYBOX + MINE);
  assert.equal(await search('-f', 'stars=2', '--filter', 'is-official=false', '--format', '{{.Name}}'), 'me/busybox\n');
});

test('--limit goes to the server, and is kept to when it does not', async () => {
  const one = 'NAME      DESCRIPTION           STARS     OFFICIAL\nbusybox   Busybox base image.   3000      [OK]\n';
  assert.equal(await search('--limit', '1'), one);
  assert.deepEqual(asked, ['/v1/search?q=busybox&n=1']);
  answer = (_, response) => json(response, { results: RESULTS });
  assert.equal(await search('--limit', '1'), one);
  assert.equal(await search('--limit', '0', '--format', '{{.Name}}'), 'busybox\nme/busybox\nyou/bb\n');
  assert.deepEqual(await refused('--limit', '101'), [1, 'error: limit 101 is outside the range of [1, 100]']);
});

test('--no-trunc, and formats', async () => {
  assert.match(await search('--no-trunc'), /than forty-five characters, and has a line break   2 /);
  const lines = [
    '{"Description":"Busybox base image.","IsOfficial":"true","Name":"busybox","StarCount":"3000"}',
    '{"Description":"Mine: a description that is much longer than…","IsOfficial":"false","Name":"me/busybox","StarCount":"2"}',
    '{"Description":"","IsOfficial":"false","Name":"you/bb","StarCount":"0"}',
    '',
  ].join('\n');
  assert.equal(await search('--format', 'json'), lines);
  assert.equal(await search('--format', '{{json .}}'), lines);
  assert.equal(
    await search('--limit', '2', '--format', 'table {{.Name}}\\t{{.IsOfficial}}'),
    'NAME         OFFICIAL\nbusybox      [OK]\nme/busybox   \n',
  );
});

test('filters that are none are refused before anybody is asked', async () => {
  assert.deepEqual(await refused('-f', 'foo=1'), [1, "error: invalid filter 'foo'"]);
  assert.deepEqual(await refused('-f', 'is-official=x'), [1, "error: invalid filter 'is-official=[x]'"]);
  assert.equal((await refused('-f', 'stars=x'))[0], 1);
  assert.equal((await refused('-f', 'foo'))[0], 125);
  assert.deepEqual(asked, []);
});

test('is-automated is obsolete, and says so', async () => {
  const { stdout, stderr } = await line.run(['search', '-f', 'is-automated=true', '--format', '{{.Name}}', `${host}/busybox`]);
  assert.equal(stdout, '');
  assert.match(stderr, /^WARNING: the "is-automated" filter is deprecated/);
});

test('a registry without a search says what it lacks', async () => {
  const none = [1, `error: ${host} cannot be searched: it has no /v1/search, which few registries have`];
  answer = (_, response) => response.writeHead(404).end('{"errors":[]}');
  assert.deepEqual(await refused(), none);
  answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
  assert.deepEqual(await refused(), none);
});

test('answers that are none', async () => {
  answer = (_, response) => response.writeHead(200).end('nothing');
  assert.match((await refused())[1], /^error: .*answer of 127/);
  answer = (_, response) => json(response, { results: 'many' });
  assert.deepEqual(await refused(), [1, `error: the answer of ${host} to a search has no list of results`]);
  answer = (_, response) => json(response, { results: [null, { name: 'a\u001b[2Jb', star_count: 'many' }] });
  assert.equal(await search('--format', '{{.Name}}|{{.StarCount}}'), '|0\na\\x1b[2Jb|0\n');
});

test('it signs in where it is asked to', async () => {
  writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [host]: { auth: Buffer.from('me:word').toString('base64') } } }));
  answer = (request, response) => {
    if (request.headers.authorization === `Basic ${Buffer.from('me:word').toString('base64')}`) return usual(request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="search"' }).end();
  };
  assert.equal(await search('--format', '{{.Name}}', '--limit', '1'), 'busybox\n');
});

test('where a term goes', () => {
  for (const [text, domain, term] of [
    ['busybox', 'docker.io', 'busybox'],
    ['library/busybox', 'docker.io', 'busybox'],
    ['me/app', 'docker.io', 'me/app'],
    ['docker.io/library/busybox', 'docker.io', 'busybox'],
    ['registry.example.com/app', 'registry.example.com', 'app'],
    ['localhost/a/b', 'localhost', 'a/b'],
    ['10.0.0.1:5000/', '10.0.0.1:5000', ''],
  ] as const)
    assert.deepEqual(parseSearchTerm(text), { domain, term }, text);
  assert.throws(() => parseSearchTerm('https://docker.io/x'), { code: 'search.scheme' });
});
