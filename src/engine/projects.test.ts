import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProject, projectName } from './projects.ts';

test('a project is meant by its folder, one above, its Dockerfile or its repository', () => {
  const shop = projectName('/src/shop Dockerfile');
  assert.equal(shop, '/src/shop');
  for (const wanted of ['/src/shop', '/src', '/src/', '/']) assert.ok(isProject(shop, wanted), wanted);
  for (const wanted of ['/src/sh', '/shop', 'shop', '/src/shop/Dockerfile']) assert.ok(!isProject(shop, wanted), wanted);
  const other = projectName('/src/shop /src/shop/dev.Dockerfile');
  for (const wanted of ['/src/shop', '/src/shop/dev.Dockerfile', '/src']) assert.ok(isProject(other, wanted), wanted);
  assert.ok(!isProject(projectName('/src/shop two Dockerfile'), '/src/shop'));
  const remote = projectName('https://example.com/org/app.git#main Dockerfile');
  for (const wanted of [
    'https://example.com/org/app.git#main',
    'https://example.com/org/app.git',
    'example.com/org/app',
    'ssh://git@example.com/org/app.git',
  ])
    assert.ok(isProject(remote, wanted), wanted);
  for (const wanted of ['example.com/org', 'example.com/org/app#v1', '/org/app']) assert.ok(!isProject(remote, wanted), wanted);
});
