// What COPY says when a source is not there: which rule leaves it out, or which name is near.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { IgnoreMatcher, parseIgnore } from '../../dockerfile/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import { removeTree, RootedTree } from '../../sys/index.ts';
import { findSources } from './sources.ts';

const root = mkdtempSync(join(tmpdir(), 'slipway-sources-'));
mkdirSync(join(root, 'src'));
for (const name of ['a.log', 'src/main.go']) writeFileSync(join(root, name), '');
after(() => removeTree(root));

function hints(source: string): readonly string[] {
  const ignore = new IgnoreMatcher(parseIgnore('# logs\n*.log\n'), { name: '.dockerignore' });
  try {
    using tree = new RootedTree(root);
    findSources(tree, source, { kind: 'context', style: 'graph', instruction: 'COPY', ignore });
  } catch (e) {
    assert.ok(isSlipwayError(e) && e.code === 'copy.source-not-found');
    return e.hints;
  }
  return assert.fail(`${source} was found`);
}

test('a file that is left out: the rule and its line', () => {
  assert.deepEqual(hints('/a.log'), ['a.log is in the folder, but .dockerignore line 2 leaves it out of the context: *.log']);
});

test('a name that is not there: the nearest one', () => {
  assert.deepEqual(hints('src/man.go'), ['did you mean src/main.go?']);
  assert.deepEqual(hints('quite-different'), []);
  assert.deepEqual(hints('no/such/folder'), []);
});
