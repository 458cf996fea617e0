// Pushing and pulling against a real docker-registry: plain, with TLS, with passwords and with tokens; read back by skopeo.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeCertificates, startRegistry, type TestRegistry } from '../support/registry.ts';
import { TokenServer } from '../support/token-server.ts';
import { type Shop, openShop } from '../support/shop.ts';

let shop: Shop;
let registry: TestRegistry;
const PASSWORD = 'secret word';
const HTPASSWD = 'me:$2b$04$rsIBrBwZqUm6rGBC8Duo2.21YnFjzVKVAq3UbWXvN3eCbYVXPppeO\n';

before(async () => {
  shop = openShop('registry');
  registry = await startRegistry({ folder: join(shop.folder, 'plain') });
  await shop.makeImages();
});
after(async () => {
  await registry.stop();
  shop.close();
});

const skopeo = (...args: string[]): string => execFileSync('skopeo', args, { encoding: 'utf8' });
const inspect = (name: string): { Digest: string; Layers: string[] } =>
  JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${name}`)) as { Digest: string; Layers: string[] };

test('what is pushed, skopeo reads; the second push sends nothing', async () => {
  const name = `${registry.host}/lab/app:1`;
  await shop.ok('tag', 'app', name);
  const first = await shop.ok('push', name);
  assert.match(first.stdout, new RegExp(`^The push refers to repository \\[${registry.host}/lab/app\\]\n`));
  assert.match(first.stdout, /[0-9a-f]{12}: Pushed\n/);
  const digest = /1: digest: (sha256:[0-9a-f]{64}) size: \d+\n$/.exec(first.stdout)?.[1];
  assert.equal(inspect(name).Digest, digest);
  const again = await shop.ok('push', name);
  assert.match(again.stdout, /Layer already exists/);
  assert.doesNotMatch(again.stdout, /: (?:Preparing|Pushed)\n/);
  assert.equal((await shop.ok('push', '-q', name)).stdout, `${name}\n`);
});

test('a layer that another repository of the registry has is taken over from there', async () => {
  const name = `${registry.host}/lab/other:1`;
  await shop.ok('tag', 'app', name);
  assert.match((await shop.ok('push', name)).stdout, /Mounted from lab\/app\n/);
});

test('what is pulled is what was pushed, and the layers that are here are not fetched again', async () => {
  const name = `${registry.host}/lab/app:1`;
  const id = await shop.id('app');
  const other = shop.elsewhere('pull');
  const pulled = await other.ok('pull', name);
  assert.match(pulled.stdout, /^1: Pulling from 127.0.0.1:\d+\/lab\/app\n/);
  assert.match(pulled.stdout, new RegExp(`Status: Downloaded newer image for ${name}\n${name}\n$`));
  assert.equal(await other.id(name), id);
  assert.equal((await other.ok('run', '--rm', '--network', 'none', name, 'cat', '/file')).stdout, 'content\n');
  const again = await other.ok('pull', name);
  assert.match(again.stdout, /Already exists/);
  assert.match(again.stdout, /Status: Image is up to date/);
  const { digest } = JSON.parse((await other.ok('image', 'inspect', '--format', '{"digest":"{{index .RepoDigests 0}}"}', name)).stdout) as {
    digest: string;
  };
  assert.equal(digest, `${registry.host}/lab/app@${inspect(name).Digest}`);
  const byDigest = shop.elsewhere('by-digest');
  await byDigest.ok('pull', digest);
  assert.equal(await byDigest.id(digest), id);
});

test('what skopeo copies there, in either format, is pulled', async () => {
  await shop.ok('save', '-o', join(shop.folder, 'app.tar'), 'app');
  for (const format of ['v2s2', 'oci']) {
    const name = `${registry.host}/lab/skopeo:${format}`;
    skopeo(
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--format',
      format,
      `docker-archive:${shop.folder}/app.tar`,
      `docker://${name}`,
    );
    const other = shop.elsewhere(`skopeo-${format}`);
    await other.ok('pull', name);
    assert.equal((await other.ok('run', '--rm', '--network', 'none', name, 'cat', '/file')).stdout, 'content\n');
  }
});

test('zstd, and levels', async () => {
  const name = `${registry.host}/lab/zstd:1`;
  await shop.ok('tag', 'app', name);
  await shop.ok('push', '--compression', 'zstd:5', name);
  const raw = JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`)) as { layers: { mediaType: string }[] };
  assert.ok(raw.layers.every((l) => l.mediaType === 'application/vnd.oci.image.layer.v1.tar+zstd'));
  const other = shop.elsewhere('zstd');
  await other.ok('pull', name);
  assert.equal((await other.ok('run', '--rm', '--network', 'none', name, 'cat', '/file')).stdout, 'content\n');
  assert.equal((await shop.run('push', '--compression', 'lzma', name)).status, 125);
});

test('all tags of a repository, there and back', async () => {
  const repository = `${registry.host}/lab/tags`;
  for (const tag of ['a', 'b']) await shop.ok('tag', 'app', `${repository}:${tag}`);
  await shop.ok('push', '-a', repository);
  const other = shop.elsewhere('tags');
  await other.ok('pull', '-a', repository);
  assert.deepEqual((await other.ok('images', '--format', '{{.Tag}}', repository)).stdout.trim().split('\n').sort(), ['a', 'b']);
});

test('a proxy is not asked for what is on this machine', async () => {
  const proxied = shop.elsewhere('proxied', { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' });
  await proxied.ok('pull', `${registry.host}/lab/app:1`);
});

test('FROM and run pull what is not here; --pull says when', async () => {
  const name = `${registry.host}/lab/app:1`;
  const other = shop.elsewhere('from');
  const context = join(shop.folder, 'from-context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), `FROM ${name}\nCMD ["cat", "/file"]\n`);
  const built = await other.ok('build', '--progress', 'plain', '-t', 'on-it', context);
  assert.match(built.stderr, new RegExp(`\\[internal\\] pull ${name}`));
  assert.equal((await other.ok('run', '--rm', '--network', 'none', 'on-it')).stdout, 'content\n');
  const fresh = shop.elsewhere('run');
  const never = await fresh.run('run', '--rm', '--pull', 'never', '--network', 'none', name, 'true');
  assert.equal(never.status, 125);
  const ran = await fresh.ok('run', '--rm', '--network', 'none', name, 'cat', '/file');
  assert.equal(ran.stdout, 'content\n');
  assert.match(ran.stderr, new RegExp(`^Unable to find image '${name}' locally\n`));
  assert.match((await fresh.ok('run', '--rm', '--pull', 'always', '--network', 'none', name, 'true')).stderr, /Image is up to date/);
});

test('what is not there is told, with what to do', async () => {
  const missing = await shop.run('pull', `${registry.host}/lab/nothing:1`);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /manifest unknown/);
  const closed = await shop.run('pull', '127.0.0.1:1/lab/app:1');
  assert.equal(closed.status, 1);
  assert.match(closed.stderr, /is the registry running\?/);
  const unnamed = await shop.run('push', `${registry.host}/lab/not-here:1`);
  assert.match(unnamed.stderr, /An image does not exist locally with the tag/);
});

test('TLS: a certificate of an unknown authority is refused, a known one is not', async () => {
  const { authority, cert, key } = makeCertificates(join(shop.folder, 'certificates'));
  const secure = await startRegistry({ folder: join(shop.folder, 'tls'), tls: { cert, key } });
  try {
    const name = `${secure.host}/lab/app:1`;
    await shop.ok('tag', 'app', name);
    const refused = await shop.run('push', name);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /certs\.d/);
    const folder = join(shop.folder, 'config', 'docker', 'certs.d', secure.host);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'ca.crt'), readFileSync(authority));
    await shop.ok('push', name);
    await shop.elsewhere('tls').ok('pull', name);
    const insecure = shop.elsewhere('insecure', { XDG_CONFIG_HOME: join(shop.folder, 'nothing') });
    writeFileSync(join(shop.folder, 'insecure.json'), JSON.stringify({ [secure.host]: { insecure: true } }));
    assert.equal((await insecure.run('pull', name)).status, 1);
    await insecure.with({ SLIPWAY_REGISTRIES: join(shop.folder, 'insecure.json') }).ok('pull', name);
  } finally {
    await secure.stop();
  }
});

test('passwords: login keeps them, logout forgets them, and no message has them', async () => {
  const closed = await startRegistry({ folder: join(shop.folder, 'basic'), htpasswd: HTPASSWD });
  try {
    const name = `${closed.host}/lab/app:1`;
    await shop.ok('tag', 'app', name);
    const anonymous = await shop.run('push', name);
    assert.equal(anonymous.status, 1);
    assert.match(anonymous.stderr, new RegExp(`slipway login ${closed.host}`));
    const wrong = await shop.typing('not this', 'login', '-u', 'me', '--password-stdin', closed.host);
    assert.equal(wrong.status, 1);
    assert.doesNotMatch(wrong.stderr + wrong.stdout, /not this/);
    const right = await shop.typing(`${PASSWORD}\n`, 'login', '-u', 'me', '--password-stdin', closed.host);
    assert.equal(right.status, 0, right.stderr);
    assert.equal(right.stdout, 'Login Succeeded\n');
    await shop.ok('push', name);
    const config = join(shop.folder, 'docker', 'config.json');
    const { auths } = JSON.parse(readFileSync(config, 'utf8')) as { auths: Record<string, { auth: string }> };
    assert.equal(Buffer.from(auths[closed.host]?.auth ?? '', 'base64').toString(), `me:${PASSWORD}`);
    assert.equal((await shop.ok('login', closed.host)).stdout, 'Authenticating with existing credentials...\nLogin Succeeded\n');
    assert.equal((await shop.ok('logout', closed.host)).stdout, `Removing login credentials for ${closed.host}\n`);
    assert.equal((await shop.ok('logout', closed.host)).stdout, `Removing login credentials for ${closed.host}\n`);
    assert.equal((await shop.run('pull', name)).status, 1);
  } finally {
    await closed.stop();
  }
});

test('a credential helper keeps the secret, and the file names only the helper', async () => {
  const closed = await startRegistry({ folder: join(shop.folder, 'helped'), htpasswd: HTPASSWD });
  const bin = join(shop.folder, 'bin');
  const kept = join(shop.folder, 'kept.json');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'docker-credential-tests'),
    `#!/bin/sh\ncase $1 in\nstore) cat > ${kept};;\nget) [ -f ${kept} ] && cat ${kept} || { echo 'credentials not found in native keychain'; exit 1; };;\nerase) rm -f ${kept};;\nesac\n`,
  );
  chmodSync(join(bin, 'docker-credential-tests'), 0o755);
  const docker = join(shop.folder, 'helper-config');
  mkdirSync(docker);
  writeFileSync(join(docker, 'config.json'), JSON.stringify({ credHelpers: { [closed.host]: 'tests' }, HttpHeaders: { kept: 'yes' } }));
  const helped = shop.with({ DOCKER_CONFIG: docker, PATH: `${bin}:${process.env['PATH']}` });
  try {
    const name = `${closed.host}/lab/app:1`;
    await helped.ok('tag', 'app', name);
    assert.equal((await helped.run('push', name)).status, 1);
    const login = await helped.typing(PASSWORD, 'login', '-u', 'me', '--password-stdin', closed.host);
    assert.equal(login.status, 0, login.stderr);
    assert.doesNotMatch(login.stderr, /unencrypted/);
    assert.equal((JSON.parse(readFileSync(kept, 'utf8')) as { Secret: string }).Secret, PASSWORD);
    const config = readFileSync(join(docker, 'config.json'), 'utf8');
    assert.doesNotMatch(config, new RegExp(Buffer.from(`me:${PASSWORD}`).toString('base64')));
    assert.match(config, /HttpHeaders/);
    await helped.ok('push', name);
    await helped.ok('logout', closed.host);
    assert.ok(!existsSync(kept));
  } finally {
    await closed.stop();
  }
});

for (const form of ['GET', 'OAuth2 POST'] as const) {
  test(`tokens by ${form}: for each scope, renewed when they run out, anonymous where that is allowed`, async () => {
    const { authority: _, cert, key } = makeCertificates(join(shop.folder, `token-${form}`));
    const issuer = 'tests-issuer';
    const tokens = new TokenServer({ users: { me: PASSWORD }, issuer, cert, key, get: form === 'GET', post: true, life: 11 });
    const realm = await tokens.start();
    const guarded = await startRegistry({ folder: join(shop.folder, `guarded-${form}`), token: { realm, service: 'tests', issuer, cert } });
    const mine = shop.with({ DOCKER_CONFIG: join(shop.folder, `token-config-${form}`) });
    try {
      const name = `${guarded.host}/lab/app:1`;
      await mine.ok('tag', 'app', name);
      assert.equal((await mine.run('push', name)).status, 1);
      assert.equal((await mine.typing('wrong', 'login', '-u', 'me', '--password-stdin', guarded.host)).status, 1);
      const login = await mine.typing(PASSWORD, 'login', '-u', 'me', '--password-stdin', guarded.host);
      assert.equal(login.status, 0, login.stderr);
      const config = readFileSync(join(shop.folder, `token-config-${form}`, 'config.json'), 'utf8');
      assert.match(config, /identitytoken/);
      assert.ok(!config.includes(Buffer.from(`me:${PASSWORD}`).toString('base64')), 'the password is not kept where a token was given');
      await mine.ok('push', name);
      assert.ok(
        tokens.requests.some(
          (r) => r.body.get('grant_type') === 'refresh_token' && r.body.get('scope')?.includes('repository:lab/app:pull,push'),
        ),
      );
      if (form === 'GET') await shop.elsewhere(`anonymous-${form}`, { DOCKER_CONFIG: join(shop.folder, 'nobody') }).ok('pull', name);
    } finally {
      await guarded.stop();
      await tokens.stop();
    }
  });
}

test('Azure: a token of the directory is exchanged for one of the registry, which is kept', async () => {
  const { cert, key } = makeCertificates(join(shop.folder, 'azure'));
  const issuer = 'tests-issuer';
  const tokens = new TokenServer({ users: {}, issuer, cert, key, get: true, post: true, accessToken: 'eyJ-access-token' });
  const realm = await tokens.start();
  const guarded = await startRegistry({ folder: join(shop.folder, 'azure-registry'), token: { realm, service: 'tests', issuer, cert } });
  const mine = shop.with({ DOCKER_CONFIG: join(shop.folder, 'azure-config') });
  try {
    const user = '00000000-0000-0000-0000-000000000000';
    const login = await mine.typing('eyJ-access-token', 'login', '-u', user, '--password-stdin', guarded.host);
    assert.equal(login.status, 0, login.stderr);
    const exchange = tokens.requests.find((r) => r.path === '/oauth2/exchange');
    assert.equal(exchange?.body.get('grant_type'), 'access_token');
    assert.equal(exchange?.body.get('service'), 'tests');
    const config = readFileSync(join(shop.folder, 'azure-config', 'config.json'), 'utf8');
    assert.ok(!config.includes('eyJ-access-token'));
    const name = `${guarded.host}/lab/app:1`;
    await mine.ok('tag', 'app', name);
    await mine.ok('push', name);
  } finally {
    await guarded.stop();
    await tokens.stop();
  }
});
