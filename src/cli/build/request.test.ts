import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf, nameOf } from './request.ts';

test('what is kept of a build names its Dockerfile, and no secret of its address', () => {
  assert.equal(identityOf('app', undefined, '/home'), '/home/app Dockerfile');
  assert.equal(identityOf('app', 'other', '/home'), '/home/app /home/other');
  assert.equal(identityOf('-', undefined, '/home'), '- Dockerfile');
  assert.equal(nameOf('app', 'test', '/home'), 'app (test)');
  for (const kept of [
    identityOf('https://me:secret@example.org/app.git#main', undefined, '/'),
    nameOf('https://me:secret@example.org', undefined, '/'),
  ])
    assert.doesNotMatch(kept, /secret/);
});
