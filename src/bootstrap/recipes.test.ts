import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRecipe, RECIPES, tagFits, tagsOf } from './recipes.ts';

test('a tag must ask for what Debian has', () => {
  const golang = findRecipe('golang');
  assert.ok(golang);
  for (const tag of ['latest', '1', '1.19', '1.19-bookworm', 'bookworm']) assert.equal(tagFits(golang, tag), true, tag);
  for (const tag of ['1.22', '1.19-alpine', 'alpine', '']) assert.equal(tagFits(golang, tag), false, tag);
});

test('every tag that a recipe names fits it', () => {
  for (const r of RECIPES) for (const tag of tagsOf(r)) assert.equal(tagFits(r, tag), true, `${r.name}:${tag}`);
});
