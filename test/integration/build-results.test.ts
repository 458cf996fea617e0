// What a build gives where it would be easy to give something else: directories as bases, results that were made again, scopes
// of arguments, and mistakes of stages that nothing needs.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildClassic } from '../../src/builder/classic/index.ts';
import type { NamedContext } from '../../src/builder/context/index.ts';
import { openNamedWord } from '../support/contexts.ts';
import { buildGraph, planGraph } from '../../src/builder/graph/index.ts';
import { type BuildJob, copyTree } from '../../src/builder/index.ts';
import type { Image } from '../../src/image/index.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { type BuildFixture, buildFixture, textOf } from './build-fixture.ts';
import { memorySession } from '../support/session.ts';

let f: BuildFixture;
before(() => void (f = buildFixture()));
after(() => f.dispose());

interface Built {
  readonly image: Image;
  /** Steps that ran. */
  readonly ran: readonly string[];
  readonly log: string;
  read(name: string): string | undefined;
}

async function build(text: string, o: Partial<BuildJob> = {}, engine = buildGraph): Promise<Built> {
  const request = await f.request(text, o);
  const { image } = await engine(f.env, request);
  const out = join(f.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  using lease = f.env.leases.create();
  if (image.layers.length > 0) await copyTree(f.env.layout, f.env.snapshots.view(await f.env.images.snapshot(image, lease)), out, 0);
  return {
    image,
    ran: request.events.flatMap((e) => (e.type === 'vertex' && e.state === 'done' && e.inputs.length > 0 ? [e.name] : [])),
    log: textOf(request.events) + request.events.map((e) => (e.type === 'log' ? Buffer.from(e.data).toString() : '')).join(''),
    read: (name) => (existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : undefined),
  };
}

async function contexts(o: Readonly<Record<string, string>>): Promise<Pick<BuildJob, 'namedContexts'>> {
  const namedContexts = new Map<string, NamedContext>();
  for (const [name, value] of Object.entries(o))
    namedContexts.set(name, await openNamedWord(name, value, { cwd: f.folder, scratch: f.env.layout.ingest }));
  return { namedContexts };
}

const put = (folder: string, name: string, text: string): void => {
  mkdirSync(join(f.folder, folder), { recursive: true });
  writeFileSync(join(f.folder, folder, name), text);
};

test('a directory as base is the first layer of the image, and its files count for all that stands on it', async () => {
  put('dir', 'marker', 'one');
  const text = 'FROM dirbase\nCOPY --from=base /bin /bin\nRUN cat /marker > /seen\n';
  const first = await build(text, await contexts({ dirbase: 'dir' }));
  assert.equal(first.image.layers.length, 3);
  assert.equal(first.image.config.history?.length, 3);
  assert.equal(first.read('seen'), 'one');
  assert.deepEqual((await build(text, await contexts({ dirbase: 'dir' }))).ran, []);
  put('dir', 'marker', 'two');
  const second = await build(text, await contexts({ dirbase: 'dir' }));
  assert.equal(second.read('seen'), 'two');
  assert.equal(second.read('marker'), 'two');
  assert.equal(second.ran.length, 3);
  // the same Dockerfile on another directory
  put('dir2', 'marker', 'three');
  assert.equal((await build(text, await contexts({ dirbase: 'dir2' }))).read('seen'), 'three');
  // and with nothing upon it
  const alone = await build('FROM dirbase\n', await contexts({ dirbase: 'dir' }));
  assert.equal(alone.image.layers.length, 1);
  assert.equal(alone.read('marker'), 'two');
});

test('a named context is neither the main one nor missed by another spelling of its name, and stands for a stage of its name', async () => {
  f.put('x', 'main');
  put('other', 'x', 'other');
  const both = await build('FROM base\nCOPY x /a\nCOPY --from=context x /b\n', await contexts({ context: 'other' }));
  assert.deepEqual([both.read('a'), both.read('b')], ['main', 'other']);
  const image = await build('FROM docker.io/library/base:latest\nCOPY x /a\n', await contexts({ base: 'other' }));
  assert.equal(image.read('bin'), undefined);
  const stage = await build('FROM base AS src\nRUN echo no > /x\nFROM scratch\nCOPY --from=src /x /a\n', await contexts({ src: 'other' }));
  assert.equal(stage.read('a'), 'other');
  const target = await build('FROM base AS src\nRUN echo no > /x\n', { ...(await contexts({ src: 'other' })), target: 'src' });
  assert.equal(target.read('x'), 'other');
  const empty = await build('FROM nothing\nCOPY x /a\n', await contexts({ nothing: 'docker-image://scratch' }));
  assert.equal(empty.image.layers.length, 1);
  // what nothing needs is not fetched
  await build('FROM scratch\nCOPY x /a\n', await contexts({ far: 'https://127.0.0.1:1/none.git' }));
});

test('steps that ran again without the cache are what later builds use', async () => {
  const text = [
    'FROM base AS s',
    'RUN head -c9 /dev/urandom | base64 > /u',
    'RUN true',
    'FROM s AS t',
    'RUN cat /u > /v',
    'FROM scratch',
    'COPY --from=s /u /copied',
    'COPY --from=t /v /v',
  ].join('\n');
  const values = (b: Built): (string | undefined)[] => ['copied', 'v'].map(b.read);
  for (const again of [
    { noCache: true },
    { noCache: true, target: 's' },
    { noCacheFilter: ['s'] },
    { noCacheFilter: ['s'], target: 't' },
  ]) {
    const [before, old] = values(await build(text));
    assert.equal(before, old);
    await build(text, again);
    const made = (await build(text, { target: 's' })).read('u');
    assert.notEqual(made, before);
    const plan = await planGraph(f.env, await f.request(text));
    const later = await build(text);
    assert.deepEqual(values(later), [made, made], JSON.stringify(again));
    assert.equal(plan.counts.cached === plan.steps.filter((s) => s.fate !== 'source').length, later.ran.length === 0, 'as the plan says');
    assert.deepEqual((await build(text)).ran, []);
    // and as a stage of the image itself
    const whole = await build(text, { target: 't' });
    assert.equal(whole.read('u'), whole.read('v'));
  }
});

test('an argument that is declared again without a value keeps the one that it has', async () => {
  const text =
    'FROM base AS a\nARG V=1\nARG V\nARG N\nRUN echo "[$V]" > /a\nFROM a\nARG V\nRUN echo "[$V]" > /b\nARG V=2\nRUN echo "[$V]" > /c\n';
  const built = await build(text);
  assert.deepEqual([built.read('a'), built.read('b'), built.read('c')], ['[1]\n', '[1]\n', '[2]\n']);
  const runs = built.image.config.history?.map((h) => h.created_by).filter((h) => h?.startsWith('RUN'));
  assert.equal(runs?.[0], 'RUN |2 V=1 N= /bin/sh -c echo "[$V]" > /a # buildkit');
  const given = await build(text, { buildArgs: { V: '7' } });
  assert.deepEqual([given.read('a'), given.read('b'), given.read('c')], ['[7]\n', '[7]\n', '[7]\n']);
  const inherited = await build(text, {}, buildClassic);
  // as in the original engine: only a value counts
  assert.deepEqual([inherited.read('a'), inherited.read('b'), inherited.read('c')], ['[]\n', '[]\n', '[2]\n']);
});

/** The message of a build that fails, and the line that it points at. */
async function failure(text: string, o: Partial<BuildJob> = {}): Promise<[string, number | undefined]> {
  try {
    await build(text, o);
  } catch (e) {
    assert.ok(isSlipwayError(e));
    return [e.message, e.source?.range.start.line];
  }
  return assert.fail(`it was built: ${text}`);
}

test('a FROM must be right whether or not its stage is needed', async () => {
  const last = 'FROM base\n';
  assert.deepEqual(await failure(`FROM base:$NOPE AS a\n${last}`), ['failed to parse stage name "base:": invalid reference format', 1]);
  assert.match((await failure(`FROM Base AS a\n${last}`))[0], /^failed to parse stage name "Base": .* must be lowercase$/);
  assert.match((await failure(`FROM $NOPE AS a\n${last}`))[0], /^base name \(\$NOPE\) should not be blank$/);
  assert.deepEqual(await failure(`FROM --platform=$NOPE base AS a\n${last}`), ['empty platform value from expression $NOPE', 1]);
});

test('stages are read in their order', async () => {
  assert.deepEqual(await failure('FROM base AS a\nCOPY --from=b /x /y\nFROM base AS b\nRUN true\n', { target: 'a' }), [
    'cannot copy from stage "b", it needs to be defined before current stage "a"',
    2,
  ]);
  assert.deepEqual(await failure('FROM base AS a\nRUN --mount=from=b,target=/m true\nFROM base AS b\n', { target: 'a' }), [
    'cannot mount from stage "b" to "/m", stage needs to be defined before current command',
    2,
  ]);
  for (const text of [
    'FROM base AS a\nCOPY --from=a /x /y\n',
    'FROM base AS a\nCOPY --from=b /x /y\nFROM base AS b\nCOPY --from=a /x /y\n',
  ])
    assert.match((await failure(text, { target: 'a' }))[0], /^circular dependency detected on stage: a$/);
});

test('a trigger of a base image is a mistake of the FROM that fires it', async () => {
  await build('FROM base\nONBUILD RUN exit 3\n', { tags: ['trigger:run'] });
  await build('FROM base\nONBUILD COPY nowhere /\n', { tags: ['trigger:copy'] });
  for (const which of ['run', 'copy']) assert.equal((await failure(`FROM base AS x\nRUN true\nFROM trigger:${which}\nRUN true\n`))[1], 3);
  // of a stage too
  assert.equal((await failure('FROM base AS x\nONBUILD RUN exit 4\nFROM x\n'))[1], 3);
});

test('history and configuration are written as Docker writes them', async () => {
  const text = [
    'FROM base',
    'EXPOSE 9000 80/udp 443 443',
    'HEALTHCHECK --interval=5m --timeout=1500ms --start-period=1h --retries=20 CMD a "b"',
    'ONBUILD RUN true',
    'CMD ["a\\u0007"]',
    'LABEL z=1 a=2',
    'VOLUME /b /a',
  ].join('\n');
  const { image } = await build(text);
  assert.deepEqual(
    image.config.history?.slice(1).map((h) => h.created_by),
    [
      'EXPOSE [443/tcp 443/tcp 80/udp 9000/tcp]',
      `HEALTHCHECK &{["CMD-SHELL" "a \\"b\\""] "5m0s" "1.5s" "1h0m0s" "0s" '\\x14'}`,
      'CMD ["a\\a"]',
      'LABEL z=1 a=2',
      'VOLUME [/b /a]',
    ],
  );
  const { config } = image.config;
  assert.equal(config?.ArgsEscaped, true);
  assert.deepEqual(
    [config?.Labels, config?.Volumes, config?.ExposedPorts].map((m) => Object.keys(m ?? {})),
    [
      ['a', 'z'],
      ['/a', '/b'],
      ['443/tcp', '80/udp', '9000/tcp'],
    ],
  );
});

test('a base of another system has its own shell and path', async () => {
  const { image } = await build('FROM scratch\nENTRYPOINT echo x\nCMD dir\n', { platform: { os: 'windows', architecture: 'amd64' } });
  assert.deepEqual(image.config.config, {
    WorkingDir: '\\',
    Cmd: ['cmd', '/S', '/C', 'dir'],
    Entrypoint: ['cmd', '/S', '/C', 'echo x'],
    ArgsEscaped: true,
  });
});

test('steps are called by what they do, and secrets are not shown', async () => {
  const text = [
    'FROM base',
    'ARG FOO=bar',
    'ENV Q="a b"',
    `run --mount=type=secret,id=s,env=TOK : "$FOO" $TOK $Q '$FOO' \\$FOO \${UNSET}`,
    'COPY "$FOO"* /$FOO/',
    'WORKDIR /$FOO',
    'RUN <<E',
    '#!/bin/echo $FOO',
    'E',
  ].join('\n');
  f.put('bar1', '');
  const { ran, log } = await build(text, { session: memorySession({ secrets: { s: 'hidden' } }) });
  assert.deepEqual(ran, [
    `[stage-0 2/5] RUN --mount=type=secret,id=s,env=TOK : "bar" **** a b '$FOO' $FOO \${UNSET}`,
    '[stage-0 3/5] COPY bar* /bar/',
    '[stage-0 4/5] WORKDIR /bar',
    '[stage-0 5/5] RUN <<E (#!/bin/echo bar)',
  ]);
  assert.equal(log, '$FOO /dev/pipes/E\n');
});

test('the address of a proxy is seen in both spellings, goes before what a step sets, and is no part of it', async () => {
  const text = 'FROM base\nARG http_proxy=def\nENV HTTPS_PROXY=own\nRUN env | grep -i proxy | sort\n';
  const { log } = await build(text, { buildArgs: { HTTP_PROXY: 'p', https_proxy: 'q' } });
  assert.equal(log, 'HTTPS_PROXY=q\nHTTP_PROXY=p\nhttp_proxy=p\nhttps_proxy=q\n');
  assert.deepEqual((await build(text, { buildArgs: { HTTP_PROXY: 'other' } })).ran, []);
});

test('a writable mount and a volume belong to whom the directory belongs', async () => {
  const text = ['FROM base AS s', 'RUN mkdir -p /v/d && chown -R 1000:1000 /v && chmod 1770 /v', 'USER user'];
  const bind = [...text, 'FROM s', 'RUN --mount=from=s,source=/v,target=/tmp/v,rw rm -r /tmp/v/d && stat -c "%a %u" /tmp/v > /tmp/o'].join(
    '\n',
  );
  assert.equal((await build(bind)).read('tmp/o'), '1770 1000\n');
  const volume = [...text, 'VOLUME /v', 'RUN rm -r /v/d && stat -c "%a %u" /v > /tmp/o'].join('\n');
  const kept = await build(volume, {}, buildClassic);
  assert.equal(kept.read('tmp/o'), '1770 1000\n');
});

test('the place of an agent is known to a command whether or not there is one', async () => {
  assert.equal((await build('FROM base\nRUN --mount=type=ssh echo "[$SSH_AUTH_SOCK]"\n')).log, '[/run/buildkit/ssh_agent.0]\n');
});

test('a variable that an ARG of its name hides is seen again by the stage upon it', async () => {
  const text = [
    'FROM base AS a',
    'ENV X=env',
    'ARG X=arg',
    'RUN echo "[$X]" > /a',
    'FROM a',
    'RUN echo "[$X]" > /b',
    'ENV Y=$X',
    'ARG X=again',
    'RUN echo "[$X][$Y]" > /c',
  ].join('\n');
  const read = (b: Built): (string | undefined)[] => ['a', 'b', 'c'].map(b.read);
  assert.deepEqual(read(await build(text)), ['[arg]\n', '[env]\n', '[again][env]\n']);
  // to the original engine a variable is always more than an argument
  assert.deepEqual(read(await build(text, {}, buildClassic)), ['[env]\n', '[env]\n', '[env][env]\n']);
});

test('an empty stage that a mount shows has the mode of a root folder', async () => {
  const mounts = ['cache,id=empty', 'bind', 'bind,rw'].map((type, i) => `--mount=type=${type},from=e,target=/m${i}`);
  const built = await build(`FROM scratch AS e\nFROM base\nRUN ${mounts.join(' ')} stat -c '%a %u:%g' /m0 /m1 /m2 > /modes\n`);
  assert.equal(built.read('modes'), '755 0:0\n'.repeat(3));
});

test('a folder that an exception takes back in counts as it does without the list', async () => {
  f.put('d/sub/z', 'z');
  const text = 'FROM base\nCOPY d /d\nRUN echo on top > /x\n';
  f.put('.dockerignore', 'd/sub\n!d/sub/z\n');
  await build(text);
  f.put('.dockerignore', 'nothing\n');
  assert.deepEqual((await build(text)).ran, []);
  chmodSync(join(f.context, 'd/sub'), 0o700);
  f.put('.dockerignore', 'd/sub\n!d/sub/z\n');
  assert.equal((await build(text)).ran.length, 2);
  rmSync(join(f.context, '.dockerignore'));
});
