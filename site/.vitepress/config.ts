// The site: the Markdown of docs/ and samples/ as it stands, links as they work on GitHub.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { defineConfig } from 'vitepress';
import { slugOf } from '../../scripts/slug.ts';
import { addressOf, EXCLUDED, LINKED, pageOf, ROOT, sidebar } from '../pages.ts';

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M2 24 30 12v6L2 30z' fill='%231a6e8e'/%3E%3Cpath d='M8 17h5v-6h5v4h4l-9 5z' fill='%23d9722e'/%3E%3C/svg%3E";

export default defineConfig({
  title: 'Slipway',
  description: 'Builds, ships and runs container images, without a daemon',
  lang: 'en',
  // of a site that is not at the root of its host
  base: process.env['SITE_BASE'] ?? '/',
  srcDir: '..',
  srcExclude: EXCLUDED,
  rewrites: pageOf,
  outDir: './dist',
  head: [['link', { rel: 'icon', href: ICON }]],
  markdown: {
    // the comments of the usual themes are too pale
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: slugOf },
    languageAlias: { console: 'shellsession' },
    config(md) {
      md.core.ruler.push('links-of-the-repository', (state) => {
        const from = relative(ROOT, String(state.env.realPath ?? state.env.path));
        for (const token of state.tokens.flatMap((t) => t.children ?? [])) {
          const link = token.type === 'link_open' ? token.attrGet('href') : null;
          if (link !== null && !/^(?:[a-z]+:|#)/.test(link)) token.attrSet('href', addressOf(from, decodeURI(link)));
        }
        // an indented block looks like a fenced one, and its braces are no expressions of Vue
        for (const token of state.tokens.filter((t) => t.type === 'code_block')) {
          token.type = 'fence';
          token.info = /^(?:\$ |slipway |docker |npm |alias )/.test(token.content) ? 'sh' : 'txt';
        }
      });
      const { text } = md.renderer.rules;
      md.renderer.rules.text = (...args) => (text?.(...args) ?? '').replaceAll('{{', '&#123;&#123;');
    },
  },
  buildEnd({ outDir }) {
    for (const file of LINKED) {
      const copy = join(outDir, 'files', file);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(ROOT, file), copy);
    }
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/' },
      { text: 'Lab', link: '/lab/' },
      { text: 'Samples', link: '/samples/' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
