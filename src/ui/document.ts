// The page as one file: its script, its style and what it shows. It asks nothing of anybody, and may not (Content Security Policy, level 3).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import type { PageData } from './page/data.ts';
import type { PageView } from './page/views.ts';

/** Beside the program, or, where the sources run, where the program is made. */
const PLACES = ['.', '../../dist'];

function part(name: string): string {
  const path = PLACES.map((place) => join(import.meta.dirname, place, name)).find((p) => existsSync(p));
  if (path === undefined)
    throw new SlipwayError('failed-precondition', 'ui.no-page', `${name}, the page that shows builds, is missing`, {
      hints: ['in a checkout, npm run build makes it'],
    });
  return readFileSync(path, 'utf8');
}

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * @param data what the page shows first
 * @throws SlipwayError `ui.no-page`
 */
export const pageDocument = (title: string, data: PageData): string => document(title, data, '').html;

/** The same for a page that a server answers: what it asks for comes from there alone. */
export const servedDocument = (title: string, view: PageView): { readonly html: string; readonly policy: string } =>
  document(title, view, "; connect-src 'self'");

function document(title: string, data: PageData | PageView, more: string): { readonly html: string; readonly policy: string } {
  const style = part('page.css');
  // what ends a script element would end it within a string too
  const script = part('page.js')
    .replaceAll(/<\/(?=script)/gi, String.raw`<\/`)
    .replaceAll('<!--', String.raw`\x3c!--`);
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'${more}`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<div id="app"><noscript>This page shows a build with a script of its own; allow it to run.</noscript></div>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', String.raw`\u003c`)}</script>
<script>${script}</script>
</body>
</html>
`;
  return { html, policy };
}
