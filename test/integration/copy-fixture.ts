// A context and an image as folders of their own for each test, and COPY, ADD and WORKDIR between them without a build.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { IgnoreMatcher } from '../../src/dockerfile/index.ts';
import { copyStep } from '../../src/builder/steps/copy.ts';
import type { CopyRequest } from '../../src/builder/steps/types.ts';

export let base = '';
export let context = '';
export let image = '';

beforeEach(() => {
  base = mkdtempSync('/dev/shm/slipway-copy-');
  context = join(base, 'context');
  image = join(base, 'image');
  mkdirSync(context);
  mkdirSync(image);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

export function put(path: string, text = 'x', mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

type Options = Partial<Omit<CopyRequest, 'sources' | 'destination'>> & { kind?: 'context' | 'stage'; ignore?: string[] };

export async function copy(patterns: string | string[], destination: string, o: Options = {}): Promise<void> {
  const { kind = 'context', ignore, ...rest } = o;
  await copyStep(
    { path: image },
    {
      instruction: 'COPY',
      style: 'graph',
      workdir: '/',
      now: 1_600_000_000_000,
      destination,
      ...rest,
      sources: [{ root: context, patterns: [patterns].flat(), kind, ...(ignore ? { ignore: new IgnoreMatcher(ignore) } : {}) }],
    },
  );
}

/** The image as lines: path, type and mode, owner, what is in it. */
export function tree(root = image): string[] {
  const out: string[] = [];
  const walk = (dir: string): void => {
    for (const name of readdirSync(dir).sort()) {
      const path = join(dir, name);
      const s = lstatSync(path);
      const what = s.isDirectory() ? 'd' : s.isSymbolicLink() ? 'l' : s.isFIFO() ? 'p' : s.isSocket() ? 's' : '-';
      const detail = s.isFile() ? ` ${readFileSync(path, 'utf8')}` : s.isSymbolicLink() ? ` -> ${readlinkSync(path)}` : '';
      out.push(`${path.slice(root.length)} ${what}${what === 'l' ? '' : (s.mode & 0o7777).toString(8)} ${s.uid}:${s.gid}${detail}`);
      if (s.isDirectory()) walk(path);
    }
  };
  walk(root);
  return out;
}
