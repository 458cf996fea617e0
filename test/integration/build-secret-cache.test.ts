// `--secret id=x,cache=content`: another content runs the steps again that mount it, and nothing in the store gives it away.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openShop, type Shop } from '../support/shop.ts';

const shop = openShop('secret-cache');
const context = join(shop.folder, 'context');
const token = join(shop.folder, 'token');
after(() => shop.close());
before(async () => {
  await shop.ok('bootstrap', 'busybox');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM busybox
RUN echo before
RUN --mount=type=secret,id=token cat /run/secrets/token | wc -c > /length
RUN --mount=type=secret,id=other,env=OTHER echo "$OTHER" | wc -c > /other
RUN echo after
`,
  );
});

/** Which of the four steps ran. */
async function ran(flags: readonly string[], o: { of?: Shop; more?: readonly string[] } = {}): Promise<string[]> {
  const secrets = flags.flatMap((flag) => ['--secret', flag]);
  const { stderr } = await (o.of ?? shop).ok('build', '--progress', 'plain', ...secrets, ...(o.more ?? []), context);
  const names = [...stderr.matchAll(/^(#\d+) \[[^\]]*\] RUN .*?(before|length|other|after)$/gm)];
  return names.filter(([, id]) => !stderr.includes(`${id} CACHED`)).map(([, , name = '']) => name);
}

const all = ['before', 'length', 'other', 'after'];

test('another content runs the steps again that mount it, and what stands on them', async () => {
  writeFileSync(token, 'first');
  const counting = `id=token,src=${token},cache=content`;
  assert.deepEqual(await ran([counting]), all);
  assert.deepEqual(await ran([counting]), []);
  writeFileSync(token, 'second!');
  assert.deepEqual(await ran([counting]), ['length', 'other', 'after']);
  assert.deepEqual(await ran([counting], { of: shop.with({ SLIPWAY_WORKER: '1' }) }), [], 'a worker finds the same');
  writeFileSync(token, 'first');
  assert.deepEqual(await ran([counting]), [], 'the first content is still there');
  const explained = await shop.ok('build', '--progress', 'plain', '--secret', `id=token,src=/dev/null,cache=content`, context);
  assert.match(explained.stderr, /the content of secret token changed/);
});

test('what does not count changes nothing', async () => {
  writeFileSync(token, 'first');
  assert.deepEqual(await ran([`id=token,src=${token}`], { more: ['--build-arg', 'X=1'] }), ['length', 'other', 'after']);
  writeFileSync(token, 'other');
  assert.deepEqual(await ran([`id=token,src=${token}`]), []);
  assert.deepEqual(await ran([`id=token,src=${token}`, 'id=unused,env=HOME,cache=content']), []);
  const other = shop.with({ OTHER: 'value' });
  assert.deepEqual(await ran([`id=token,src=${token}`, 'id=other,env=OTHER,cache=content'], { of: other }), ['other', 'after']);
  assert.deepEqual(await ran([`id=token,src=${token}`, 'id=other,env=OTHER,cache=content'], { of: other }), []);
});

test('neither the store nor the provenance has the content or a hash that can be computed without its key', async () => {
  const secret = 'correct-horse-battery';
  writeFileSync(token, secret);
  const metadata = join(shop.folder, 'metadata.json');
  await ran([`id=token,src=${token},cache=content`], {
    more: ['--provenance', 'mode=max', '-o', `type=oci,dest=${join(shop.folder, 'x.tar')}`, '--metadata-file', metadata],
  });
  const database = Buffer.concat(
    ['slipway.db', 'slipway.db-wal'].map((name) => {
      try {
        return readFileSync(join(shop.env['SLIPWAY_ROOT'] ?? '', name));
      } catch {
        return Buffer.alloc(0);
      }
    }),
  );
  const archive = readFileSync(join(shop.folder, 'x.tar'));
  assert.match(archive.toString('latin1'), /"id":"token"/, 'the provenance names it');
  assert.doesNotMatch(archive.toString('latin1'), /"content":"[0-9a-f]{64}"/);
  for (const bytes of [database, archive]) {
    assert.equal(bytes.includes(secret), false);
    for (const hash of ['sha256', 'sha1', 'md5']) assert.equal(bytes.includes(createHash(hash).update(secret).digest('hex')), false);
    assert.equal(bytes.includes(createHmac('sha256', '').update(secret).digest('hex')), false);
  }
  const elsewhere = shop.elsewhere('two');
  await elsewhere.ok('bootstrap', 'busybox');
  assert.deepEqual(await ran([`id=token,src=${token},cache=content`], { of: elsewhere }), all);
});

test('other modes are refused', async () => {
  const ended = await shop.run('build', '--secret', `id=token,src=${token},cache=time`, context);
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, /unsupported cache mode "time" of a secret/);
});
