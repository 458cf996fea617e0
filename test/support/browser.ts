// A browser for tests of pages: Debian's Chromium, and axe-core to look at what it shows.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Why tests with a browser are left out; false when they are not. */
export const noBrowser = existsSync(CHROMIUM) ? false : 'Chromium is missing: sh scripts/system-packages.sh --tests installs it';

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

export interface Opened {
  readonly page: Page;
  /** What the browser had to say against it, and what it asked for elsewhere. */
  readonly complaints: string[];
}

/** @param own the beginning of addresses that the page may ask for */
export async function openPage(
  browser: Browser,
  address: string,
  own: string,
  o: { width?: number; dark?: boolean } = {},
): Promise<Opened> {
  const page = await browser.newPage({
    viewport: { width: o.width ?? 1280, height: 900 },
    colorScheme: o.dark === true ? 'dark' : 'light',
  });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('request', (request) => request.url().startsWith(own) || complaints.push(`asks for ${request.url()}`));
  await page.goto(address);
  await page.locator('h1').waitFor();
  return { page, complaints };
}

/** What axe-core finds: the page allows no scripts but its own, so that this comes by the debugger. */
export const axe = (page: Page): Promise<string[]> =>
  page.evaluate<string[]>(`${AXE}; axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))`);
