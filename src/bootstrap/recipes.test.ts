import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRecipe, RECIPES, tagFits, tagsOf, variantOf } from './recipes.ts';

test('a tag must ask for what Debian has', () => {
  const golang = findRecipe('golang');
  assert.ok(golang);
  for (const tag of ['latest', '1', '1.19', '1.19-bookworm', 'bookworm', '1.19-alpine', 'alpine3.18'])
    assert.equal(tagFits(golang, tag), true, tag);
  for (const tag of ['1.22', '1.22-alpine', 'alpine-x', '']) assert.equal(tagFits(golang, tag), false, tag);
});

test('every tag that a recipe names fits it', () => {
  for (const r of RECIPES) for (const tag of tagsOf(r)) assert.equal(tagFits(r, tag), true, `${r.name}:${tag}`);
});

test('stand-ins have the users and folders of what they stand for', () => {
  assert.deepEqual(
    findRecipe('node')?.setup?.map((line) => line.split(' ').slice(0, 3).join(' ')),
    ['groupadd --gid 1000', 'useradd --uid 1000'],
  );
  const nginx = findRecipe('nginx')?.setup?.join('\n') ?? '';
  assert.match(nginx, /root \/usr\/share\/nginx\/html;/);
  assert.match(nginx, /ln -sf \/dev\/stdout \/var\/log\/nginx\/access\.log/);
  assert.ok(findRecipe('golang')?.packages.includes('gcc'));
  for (const tag of ['18-slim', '18-bookworm-slim', 'slim']) assert.equal(tagFits(findRecipe('node')!, tag), true, tag);
});

test('tags of well-known images with words of their own', () => {
  assert.equal(tagFits(findRecipe('maven')!, '3.8-openjdk-17'), true);
  assert.equal(tagFits(findRecipe('php')!, '8.2-cli-bookworm'), true);
  assert.equal(tagFits(findRecipe('golang')!, '1.19-cli'), false);
});

test('any version of Alpine is a Debian with an apk', () => {
  const alpine = findRecipe('alpine')!;
  for (const tag of ['latest', '3.13', '3.20.1', 'edge']) assert.equal(tagFits(alpine, tag), true, tag);
  assert.equal(tagFits(alpine, 'bullseye'), false);
  assert.match(alpine.setup?.join('\n') ?? '', /^cat > \/sbin\/apk /);
});

test('an Alpine variant has what others have, and an apk', () => {
  const node = findRecipe('node')!;
  assert.equal(variantOf(node, '18-bookworm'), node);
  const { packages, setup = [] } = variantOf(node, '18-alpine');
  assert.ok(packages.includes('nodejs') && packages.includes('busybox'));
  assert.match(setup.join('\n'), /useradd[\s\S]*\/sbin\/apk/);
});
