// `slipway ui` and `build --ui`: who is answered and who is not, and builds that are watched, stopped and looked at in a browser.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { LiveEvent } from '../../src/engine/index.ts';
import type { PageEvent } from '../../src/ui/page/views.ts';
import { axe, noBrowser, openBrowser, openPage } from '../support/browser.ts';
import { openShop } from '../support/shop.ts';
import { SLIPWAY } from '../support/store.ts';

/** The page's words are those of the engine: the compiler says when they part. */
export const same = (e: Extract<LiveEvent, { readonly type: PageEvent['type'] }>): PageEvent => e;

const skip = noBrowser;
const shop = openShop('ui');
const dir = join(shop.folder, 'app');
const gate = join(shop.folder, 'gate');
let browser: Browser;
let server: ChildProcess;
/** Of `slipway ui`, with its token. */
let address: string;

let started: ChildProcess[] = [];
function start(...args: string[]): ChildProcess {
  const child = spawn(SLIPWAY, args, { env: shop.env, stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  return child;
}

async function line(from: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  for await (const text of createInterface({ input: from! })) if (pattern.test(text)) return text;
  return assert.fail(`no line ${pattern.source}`);
}

/** Its exit code. */
async function ended(child: ChildProcess): Promise<number | null> {
  child.stdout?.resume();
  child.stderr?.resume();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await ended(child);
}

before(async () => {
  await shop.makeImages();
  mkdirSync(dir);
  mkdirSync(gate);
  server = start('ui');
  address = await line(server.stdout, /^http:/);
  if (skip === false) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await end(server);
  shop.close();
});
afterEach(async () => {
  for (const child of started) if (child !== server) await end(child, 'SIGKILL');
  started = [];
});

/** A build whose last step says `begun` and waits for the file of the gate. */
function build(name: string, ...args: string[]): ChildProcess {
  const wait = `echo begun; until [ -e /gate/${name} ]; do sleep 0.05; done; echo passed`;
  writeFileSync(
    join(dir, 'Dockerfile'),
    `FROM busybox AS first\nRUN echo ${name} > /x\nFROM busybox\nCOPY --from=first /x /x\nRUN ${wait}\n`,
  );
  return start('build', '--progress', 'plain', '-v', `${gate}:/gate`, '-t', name, ...args, dir);
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function ask(
  to: string,
  { method = 'GET', headers = {} }: Asked = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(to, { method, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    asking.on('error', reject).end();
  });
}

const json = async <T>(path: string): Promise<T> =>
  JSON.parse((await ask(`${address}${path}`, { headers: { accept: 'application/json' } })).body) as T;

/** Of the build of this name, as soon as it is seen. */
async function refOf(name: string): Promise<string> {
  for (;;) {
    const { builds } = await json<{ builds: { ref: string; tags: string[] }[] }>('builds');
    const found = builds.find((b) => b.tags.some((tag) => tag.includes(name)));
    if (found) return found.ref;
  }
}

test('the server listens on loopback alone, and answers nobody who lacks the token or comes from elsewhere', async () => {
  const { port, host, origin } = new URL(address);
  const listening = readFileSync(`/proc/${server.pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((l) => l.trim().split(/\s+/))
    .filter((words) => words[3] === '0A' && words[1]?.endsWith(`:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`));
  assert.deepEqual(
    listening.map((words) => words[1]?.split(':')[0]),
    ['0100007F'],
  );
  const page = await ask(address);
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'.*connect-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers['cache-control'], 'no-store');
  assert.equal(page.headers['access-control-allow-origin'], undefined);
  const refused: readonly (readonly [string, Asked, number])[] = [
    [`${origin}/`, {}, 403],
    [`${origin}/builds`, {}, 403],
    [address.replace(/.\/$/, 'x/'), {}, 403],
    [`${address.slice(0, -2)}/`, {}, 403],
    [address, { headers: { host: 'rebound.example' } }, 421],
    [address, { headers: { host: `rebound.example:${port}` } }, 421],
    [address, { headers: { origin: 'https://elsewhere.example' } }, 403],
    [address, { headers: { origin: 'null' } }, 403],
    [address, { headers: { origin: 'http://127.0.0.1:1' } }, 403],
    [address, { headers: { 'sec-fetch-site': 'same-site' } }, 403],
    [`${address}containers/x/remove`, { method: 'POST', headers: { origin: 'http://localhost:1' } }, 403],
    [address, { method: 'PUT' }, 405],
    [`${address}nothing`, {}, 404],
    [`${address}builds/%zz`, {}, 400],
    [`${address}builds/nosuch`, {}, 404],
    [`${address}images/nosuch`, {}, 404],
    [`${address}builds/nosuch/cancel`, { method: 'POST' }, 404],
    [`${address}containers/nosuch/stop`, { method: 'POST' }, 404],
    [`${address}builds/`, { method: 'POST' }, 404],
  ];
  for (const [to, o, status] of refused) assert.equal((await ask(to, o)).status, status, `${to} ${JSON.stringify(o)}`);
  assert.equal((await ask(address, { headers: { origin, host, 'sec-fetch-site': 'same-origin' } })).status, 200);
});

test('a port that is taken is said; what is no port is refused', async () => {
  const taken = await shop.run('ui', '--port', new URL(address).port);
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /EADDRINUSE/);
  assert.equal((await shop.run('ui', '--port', '70000')).status, 125);
  assert.match((await shop.run('build', '--ui', '--plan', dir)).stderr, /conflicting options: --ui and --plan/);
  assert.match((await shop.run('ui', 'nosuch')).stderr, /no record found/);
});

test('the server ends when it is to, though somebody follows a build', async () => {
  const building = build('followed');
  const own = start('ui');
  const at = await line(own.stdout, /^http:/);
  const ref = await refOf('followed');
  const following = new Promise<{ begun: Promise<void>; over: Promise<void> }>((resolve, reject) => {
    httpRequest(`${at}builds/${ref}/events`, (answer) => {
      const begun = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      answer.on('data', (chunk: Buffer) => chunk.toString().includes('begun') && begun.resolve());
      answer.on('close', () => over.resolve()).on('error', () => over.resolve());
      resolve({ begun: begun.promise, over: over.promise });
    })
      .on('error', reject)
      .end();
  });
  const { begun, over } = await following;
  await begun;
  await end(own);
  await over;
  assert.equal(own.exitCode, 0);
  assert.equal(building.exitCode, null);
});

test('a build is watched from its first step to its last', { skip }, async () => {
  const building = build('watched');
  const { page, complaints } = await openPage(browser, address, address);
  await page.locator('tr', { hasText: 'watched' }).locator('a').click();
  await page.locator('aside pre', { hasText: 'begun' }).waitFor();
  assert.match((await page.locator('.result').textContent()) ?? '', /is running/);
  assert.equal(await page.locator('.node').count(), 4);
  assert.equal(await page.locator('.node.started').count(), 1);
  assert.equal(await page.locator('.node.waiting').count(), 0);
  assert.deepEqual(await axe(page), []);
  writeFileSync(join(gate, 'watched'), '');
  await page.locator('.result.completed').waitFor();
  await page.locator('td button', { hasText: 'RUN echo begun' }).click();
  assert.match((await page.locator('aside pre').textContent()) ?? '', /^begun\npassed/);
  await page.locator('.treemap').waitFor();
  assert.deepEqual(complaints, []);
  assert.equal(await ended(building), 0);
  await page.close();
});

test('a step that waits is drawn before it runs; a build is stopped from the page', { skip }, async () => {
  const name = 'halted';
  const building = build(name);
  const { page, complaints } = await openPage(browser, address, address);
  await page.locator('tr', { hasText: name }).locator('a').click();
  await page.locator('aside pre', { hasText: 'begun' }).waitFor();
  await page.locator('button', { hasText: 'Stop this build' }).click();
  await page.locator('.result.canceled').waitFor();
  assert.equal(await page.locator('.node.cancelled').count(), 1);
  assert.deepEqual(complaints, []);
  assert.equal(await ended(building), 130);
  await page.close();
});

test('build --ui prints an address, under which the build is there before it has begun; a failure is shown', { skip }, async () => {
  const failing = join(shop.folder, 'failing');
  mkdirSync(failing);
  const wait = 'echo begun; until [ -e /gate/failing ]; do sleep 0.05; done; echo "it is broken"; exit 3';
  writeFileSync(join(failing, 'Dockerfile'), `FROM busybox\nRUN ${wait}\nRUN echo never\n`);
  const building = start('build', '--ui', '--progress', 'plain', '-v', `${gate}:/gate`, failing);
  const own = (await line(building.stderr, /in pictures/)).replace(/^.*?http/, 'http');
  const { page, complaints } = await openPage(browser, own, own.replace(/builds.*/, ''));
  await page.locator('aside pre', { hasText: 'begun' }).waitFor();
  assert.equal(await page.locator('.node.waiting').count(), 1);
  writeFileSync(join(gate, 'failing'), '');
  await page.locator('.result.error').waitFor();
  assert.equal(await ended(building), 1);
  assert.match((await page.locator('header pre.error').textContent()) ?? '', /exit code: 3/);
  assert.match((await page.locator('aside').textContent()) ?? '', /failed.*it is broken/s);
  // what it read of the server is gone with the build
  assert.deepEqual(
    complaints.filter((c) => !/ERR_CONNECTION_REFUSED/.test(c)),
    [],
  );
  await page.close();
});

test('containers and images are listed, and do what their buttons say', { skip }, async () => {
  await shop.ok('run', '-d', '--network', 'none', '--name', 'sleeper', 'busybox', 'sleep', '1000');
  await shop.ok('tag', 'busybox', 'spare/name:1');
  const { page, complaints } = await openPage(browser, `${address}containers`, address);
  const row = page.locator('tr', { hasText: 'sleeper' });
  // a paused one is `Up 2 seconds (Paused)`
  const states: readonly (readonly [string, RegExp])[] = [
    ['Pause', /Paused/],
    ['Continue', /^Up [^(]*$/],
    ['Kill', /Exited \(137\)/],
    ['Start', /^Up [^(]*$/],
  ];
  for (const [word, state] of states) {
    await row.locator('button', { hasText: word }).click();
    if (word === 'Kill') await row.locator('button', { hasText: 'Kill?' }).click();
    await row.locator('td', { hasText: state }).waitFor();
  }
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(complaints, []);
  await shop.ok('kill', 'sleeper');
  await row.locator('button', { hasText: 'Remove' }).click();
  await row.locator('button', { hasText: 'Remove?' }).click();
  await row.waitFor({ state: 'detached' });
  await page.locator('a', { hasText: 'Images' }).click();
  const image = page.locator('tr', { hasText: 'spare/name:1' });
  await image.locator('button').click();
  await image.locator('button', { hasText: 'Remove?' }).click();
  await image.waitFor({ state: 'detached' });
  assert.deepEqual(await axe(page), []);
  await page.locator('tr', { hasText: 'busybox' }).locator('a').click();
  await page.locator('.treemap').waitFor();
  assert.deepEqual(complaints, []);
  assert.deepEqual(await json<{ containers: unknown[] }>('containers').then((v) => v.containers), []);
  await page.close();
});

test(
  'axe-core finds nothing in the lists, on a phone and a large screen, in light and dark; nothing is wider than the screen',
  { skip },
  async () => {
    for (const o of [{ width: 360 }, { width: 1280, dark: true }, { width: 3840 }])
      for (const path of ['', 'images', 'containers']) {
        const { page, complaints } = await openPage(browser, `${address}${path}`, address, o);
        assert.deepEqual(await axe(page), [], `${path} ${JSON.stringify(o)}`);
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), o.width, path);
        assert.deepEqual(complaints, []);
        await page.close();
      }
  },
);
