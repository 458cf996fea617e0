// The documents for developers name only files that exist.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');

/** Folders of a store, and what is built. */
const OTHERS: readonly string[] = ['blobs/sha256/', 'dist/', 'leases/'];

/** In the order in which a reader would look: `solver/keys.ts`, `mounts.ts` after `src/builder/graph/`. */
const exists = (path: string): boolean =>
  [root, src].some((base) => existsSync(join(base, path))) ||
  [src, join(root, 'test')].some((base) => globSync(`**/${path}`, { cwd: base }).length > 0);

for (const page of ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/decisions/060-own-code.md']) {
  test(`${page} names files that exist`, () => {
    const named = [...readFileSync(join(root, page), 'utf8').matchAll(/`([\w.\-/]+(?:\.ts|\/))`/g)].map((m) => m[1] ?? '');
    const wanted = named.filter((path) => !/^(?:NAME|x\.)|\/NAME/.test(path) && !OTHERS.includes(path));
    assert.ok(wanted.length > 5);
    assert.deepEqual(
      wanted.filter((path) => !exists(path)),
      [],
    );
  });
}
