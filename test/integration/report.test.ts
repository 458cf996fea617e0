// `builder report` in a browser: Debian's Chromium opens the file; everything on it is there, reachable by keyboard, and right by axe-core.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { axe, noBrowser, type Opened, openBrowser, openPage } from '../support/browser.ts';
import { openShop } from '../support/shop.ts';

const skip = noBrowser;

const shop = openShop('report');
const dir = join(shop.folder, 'app');
const DOCKERFILE = `FROM busybox AS deps
RUN printf '\\033[32mgreen\\033[0m <b>bold</b></script><script>document.title="x"</script>\\n'
FROM deps AS build
COPY main /src/main
RUN cp /src/main /app && cat /app
FROM deps AS lint
RUN echo lint > /lint
FROM busybox AS unused
RUN exit 1
FROM busybox
COPY --from=build /app /app
COPY --from=lint /lint /lint
RUN dd if=/dev/zero of=/big bs=1k count=900 2>/dev/null
`;
let browser: Browser;
before(async () => {
  await shop.makeImages();
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE);
  writeFileSync(join(dir, 'main'), 'one\n');
  await shop.ok('build', '-q', '-t', 'demo', dir);
  writeFileSync(join(dir, 'main'), 'two\n');
  await shop.ok('build', '-q', '-t', 'demo', dir);
  if (skip === false) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  shop.close();
});

const open = (file: string, o: { width?: number; dark?: boolean } = {}): Promise<Opened> =>
  openPage(browser, pathToFileURL(file).href, 'file:', o);

async function report(...args: string[]): Promise<string> {
  const file = join(shop.folder, 'report.html');
  await shop.ok('builder', 'report', '-o', file, ...args);
  return file;
}

test('a build from a file: graph, reasons, output, image, and nothing that comes from outside', { skip }, async () => {
  const { page, complaints } = await open(await report());
  assert.equal(await page.title(), `demo: build ${(await shop.ok('builder', 'history', '-q')).stdout.slice(0, 12)}`);
  assert.match((await page.locator('.result').textContent()) ?? '', /succeeded in/);
  const nodes = page.locator('.node');
  assert.equal(await nodes.count(), 9);
  assert.equal(await page.locator('.node.cached').count(), 2);
  assert.match((await page.locator('header').textContent()) ?? '', /unused \(nothing that stage-4 needs comes from it\)/);
  await page.locator('td button', { hasText: 'RUN cp /src/main' }).click();
  const step = page.locator('aside');
  assert.match(
    (await step.textContent()) ?? '',
    /Why it ran.*what it stands on changed: \[build 1\/2\] COPY main \/src\/main.*Outputtwo|what it stands on changed/s,
  );
  assert.match((await step.locator('pre').textContent()) ?? '', /^two/);
  await page.locator('td button', { hasText: 'COPY main' }).click();
  assert.match((await step.textContent()) ?? '', /main changed \(content\)/);
  assert.equal(await page.locator('.treemap title', { hasText: 'big: 922 kB' }).count(), 1, await page.locator('.treemap').innerHTML());
  assert.deepEqual(complaints, []);
  await page.close();
});

test('what programs wrote is text, with its colours', { skip }, async () => {
  await shop.ok('build', '-q', '--no-cache', '-t', 'demo', dir);
  const { page, complaints } = await open(await report());
  await page.locator('td button', { hasText: '[deps 2/2] RUN' }).click();
  const pre = page.locator('aside pre');
  assert.match((await pre.textContent()) ?? '', /green <b>bold<\/b><\/script><script>document/);
  assert.equal(await pre.locator('b').count(), 0);
  assert.equal(await pre.locator('.ansi-green-fg').textContent(), 'green');
  assert.notEqual(await page.title(), 'x');
  await page.locator('aside input').fill('nothing like that');
  assert.equal((await pre.textContent()) ?? '', '');
  assert.deepEqual(complaints, []);
  await page.close();
});

test('arrow keys lead through the graph', { skip }, async () => {
  const { page } = await open(await report());
  await page.locator('.node[tabindex="0"]').first().focus();
  await page.keyboard.press('Enter');
  const first = await page.locator('aside h3').textContent();
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await page.locator('aside h3').textContent(), first);
  assert.equal(await page.evaluate('document.activeElement.classList.contains("selected")'), true);
  await page.close();
});

test('axe-core finds nothing, in light and dark, on a phone and a large screen; nothing is wider than the screen', { skip }, async () => {
  const file = await report('--beside', 'busybox');
  for (const o of [{ width: 360 }, { width: 1280, dark: true }, { width: 3840 }]) {
    const { page, complaints } = await open(file, o);
    await page.locator('td button', { hasText: 'RUN cp' }).click();
    assert.deepEqual(await axe(page), [], JSON.stringify(o));
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), o.width);
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test('a build that failed shows where; one of a thousand steps is drawn', { skip }, async () => {
  const failing = join(shop.folder, 'failing');
  mkdirSync(failing);
  writeFileSync(join(failing, 'Dockerfile'), 'FROM busybox\nRUN echo before\nRUN echo "it is broken" && exit 3\n');
  await shop.run('build', failing);
  const failed = await open(await report());
  assert.match((await failed.page.locator('header pre.error').textContent()) ?? '', /exit code: 3/);
  assert.match((await failed.page.locator('aside').textContent()) ?? '', /RUN echo "it is broken".*failed.*it is broken/s);
  assert.equal(await failed.page.locator('.node.failed').count(), 1);
  await failed.page.close();
  const many = join(shop.folder, 'many');
  mkdirSync(many);
  const stages = Array.from({ length: 100 }, (_, s) =>
    [`FROM scratch AS s${s}`, ...Array.from({ length: 9 }, (_, i) => `COPY <<E /f${i}\n${s} ${i}\nE`)].join('\n'),
  );
  writeFileSync(
    join(many, 'Dockerfile'),
    `${stages.join('\n')}\nFROM scratch\n${stages.map((_, s) => `COPY --from=s${s} /f8 /g${s}`).join('\n')}\n`,
  );
  await shop.ok('build', '-q', many);
  const { page, complaints } = await open(await report());
  assert.equal(await page.locator('.node').count(), 1000);
  assert.equal(await page.locator('tbody').first().locator('tr').count(), 200);
  await page.locator('label.search input').first().fill('/g99');
  assert.equal(await page.locator('#steps tbody tr').count(), 1);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('the original engine, a comparison, and what is refused', async () => {
  await shop
    .with({ DOCKER_BUILDKIT: '0' })
    .ok('build', '-q', '-t', 'old', dir)
    .catch(() => undefined);
  const page = (await shop.ok('builder', 'report', '--compare', '^1', '^0')).stdout;
  assert.match(page, /^<!doctype html>/);
  assert.match(page, /"before":\{"ref"/);
  const unknown = await shop.run('builder', 'report', 'nosuch');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /no record found for build "nosuch"/);
});
