// npm run docs:check: opens every page of the built site in headless Chromium. No broken link, nothing wider than a phone, axe has no
// complaint in light and dark, search finds things, no page reports an error.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const DIST = fileURLToPath(new URL('dist', import.meta.url));
const AXE = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };
/** Pages that are open at a time. */
const AT_ONCE = 3;
/** ms; machines of CI are slow. */
const PATIENCE = 120_000;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};

/** The name of the search button is *Search*; the keys beside it (Ctrl K) are no part of it. */
const NO_RULES = { 'label-content-name-mismatch': { enabled: false } };
/** VitePress calls the box with the results a button. */
const NO_RULES_IN_SEARCH = { ...NO_RULES, 'nested-interactive': { enabled: false } };

const faults: string[] = [];
/** Folders of which a page was looked at whole, on a desktop. */
const looked = new Set<string>();
const fault = (where: string, what: string): void => {
  faults.push(`${where}: ${what}`);
  process.stdout.write(`${where}: ${what}\n`);
};

function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = decodeURI(new URL(request.url ?? '/', 'http://site').pathname);
    const file = join(DIST, path.endsWith('/') ? `${path}index.html` : path);
    const there = file.startsWith(DIST) && statSync(file, { throwIfNoEntry: false })?.isFile();
    response.writeHead(there ? 200 : 404, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
    response.end(there ? readFileSync(file) : '');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

interface Found {
  readonly ids: readonly string[];
  readonly links: readonly string[];
}

async function open(browser: Browser, url: string, viewport = PHONE): Promise<Page> {
  const page = await browser.newPage({ viewport, colorScheme: 'light', reducedMotion: 'reduce' });
  page.setDefaultTimeout(PATIENCE);
  const path = new URL(url).pathname;
  page.on('pageerror', (error) => fault(path, `error: ${error.message}`));
  page.on('response', (r) => r.status() >= 400 && fault(path, `${new URL(r.url()).pathname} is missing`));
  page.on('console', (m) => m.type() === 'error' && fault(path, `console: ${m.text()}`));
  await page.goto(url, { waitUntil: 'load' });
  // the switch gets its name when the page has come to life
  await page.locator('.VPSwitchAppearance[title]:not([title=""])').first().waitFor({ state: 'attached', timeout: PATIENCE });
  return page;
}

/** @param within the part that is looked at */
async function axe(page: Page, path: string, how: string, without: object = NO_RULES, within = 'html'): Promise<void> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(
    async ([rules, part]) => {
      const { axe: checker } = globalThis as unknown as { axe: { run(within: string, o: object): Promise<{ violations: Violation[] }> } };
      const { violations: all } = await checker.run(part, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        rules,
      });
      return all.map(({ id, help, nodes }) => ({
        id,
        help,
        nodes: nodes.map((n) => ({ html: n.html, failureSummary: n.failureSummary })),
      }));
    },
    [without, within] as const,
  );
  for (const { id, help, nodes } of violations)
    fault(
      `${path} (${how})`,
      `${id}, ${help}: ${nodes.length} × ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary?.split('\n')[1]?.trim() ?? ''}`,
    );
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

async function look(browser: Browser, base: string, path: string): Promise<Found> {
  const phone = await open(browser, base + path);
  const wide = await phone.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return undefined;
    const past = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > clientWidth + 1);
    return `${scrollWidth} px wide: ${past?.outerHTML.slice(0, 160) ?? ''}`;
  });
  if (wide !== undefined) fault(path, wide);
  await axe(phone, path, 'phone, light');
  const found = await phone.evaluate(() => ({
    ids: [...document.querySelectorAll('[id]')].map((e) => e.id),
    links: [...document.querySelectorAll('a[href]')].map((a) => (a as HTMLAnchorElement).href),
  }));
  // what stands around the text is the same on all pages of a folder
  const first = !looked.has(dirname(path));
  looked.add(dirname(path));
  await phone.emulateMedia({ colorScheme: 'dark' });
  await phone.setViewportSize(DESKTOP);
  await phone.locator('html.dark').waitFor({ state: 'attached', timeout: PATIENCE });
  await axe(phone, path, 'desktop, dark', NO_RULES, first ? 'html' : 'main');
  await phone.close();
  return found;
}

/** A link to a page leads to it, and one to a heading to that. */
function checkLinks(base: string, all: ReadonlyMap<string, Found>): void {
  for (const [path, { links }] of all) {
    for (const link of new Set(links)) {
      if (!link.startsWith(base)) continue;
      const { pathname, hash } = new URL(link);
      if (pathname.startsWith('/files/')) {
        if (!existsSync(join(DIST, decodeURI(pathname)))) fault(path, `leads to ${pathname}, which does not exist`);
        continue;
      }
      const target = all.get(pathname.replace(/index\.html$/, ''));
      if (target === undefined) fault(path, `leads to ${pathname}, which does not exist`);
      else if (hash !== '' && !target.ids.includes(decodeURIComponent(hash.slice(1))))
        fault(path, `leads to ${pathname}${hash}, where no such heading is`);
    }
  }
}

async function checkSearch(browser: Browser, base: string): Promise<void> {
  for (const viewport of [PHONE, DESKTOP]) {
    const page = await open(browser, `${base}/`, viewport);
    await page.locator('#local-search button').click();
    await page.locator('#localsearch-input').fill('cache mount');
    const first = page.locator('#localsearch-list [role=option]').first();
    await first.waitFor();
    const text = (await first.textContent()) ?? '';
    if (!/cache/i.test(text)) fault('search', `the first result for "cache mount" is ${text}`);
    await axe(page, 'search', `${viewport.width} px`, NO_RULES_IN_SEARCH);
    await page.close();
  }
}

const server = await serve();
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  const paths = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html') && name !== '404.html')
    .map((name) => `/${name.replace(/(^|\/)index\.html$/, '$1')}`)
    .toSorted()
    .filter((path) => path.includes(process.argv[2] ?? ''));
  const all = new Map<string, Found>();
  const left = [...paths];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let path = left.shift(); path !== undefined; path = left.shift()) all.set(path, await look(browser, base, path));
    }),
  );
  if (process.argv[2] === undefined) checkLinks(base, all);
  await checkSearch(browser, base);
  process.stdout.write(`${paths.length} pages, ${faults.length} faults\n`);
} finally {
  await browser.close();
  server.close();
}
process.exitCode = faults.length === 0 ? 0 : 1;
