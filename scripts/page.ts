// The script and the style of the page that shows builds, as one file each: src/ui/page with its libraries.
import { join } from 'node:path';
import { build } from 'esbuild';

/** Writes page.js and page.css into a folder. */
export async function writePage(folder: string): Promise<void> {
  await build({
    entryPoints: { page: 'src/ui/page/main.ts' },
    outdir: folder,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17'],
    format: 'iife',
    charset: 'ascii',
    legalComments: 'eof',
    logLevel: 'warning',
  });
  await build({
    entryPoints: [join('src/ui/page/style.css')],
    outfile: join(folder, 'page.css'),
    bundle: true,
    minify: true,
    logLevel: 'warning',
  });
}
