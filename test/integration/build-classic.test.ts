// The original engine: what it prints, what it leaves, when it uses its cache, and what it refuses.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { buildClassic } from '../../src/builder/classic/index.ts';
import type { BuildJob } from '../../src/builder/types.ts';
import type { Image } from '../../src/image/index.ts';
import { buildFixture, textOf, type BuildFixture } from './build-fixture.ts';

let f: BuildFixture;
before(() => void (f = buildFixture()));
after(() => f.dispose());

async function build(dockerfile: string, o: Partial<BuildJob> = {}): Promise<{ image: Image; text: string; lines: string[] }> {
  const request = await f.request(dockerfile, o);
  const { image } = await buildClassic(f.env, request);
  const text = textOf(request.events);
  return { image, text, lines: text.split('\n') };
}

async function fails(
  dockerfile: string,
  o: Partial<BuildJob> = {},
): Promise<{ error: Error & { exitCode?: number; code: string }; text: string }> {
  const request = await f.request(dockerfile, o);
  const error = await buildClassic(f.env, request).then(
    () => assert.fail('the build succeeded'),
    (e: Error & { code: string }) => e,
  );
  return { error, text: textOf(request.events) };
}

const masked = (text: string): string => text.replace(/\b[0-9a-f]{12}\b/g, 'ID');
const history = (image: Image): string[] =>
  (image.config.history ?? []).slice(1).map((h) => `${h.empty_layer ? '(empty) ' : ''}${h.created_by}`);

test('steps, ids, intermediate containers and tags are printed as people know them', async () => {
  const r = await build('FROM base\nRUN echo hi; echo err >&2\nENV A=b\n', { tags: ['printed', 'printed:x'], noCache: true });
  assert.equal(
    masked(r.text),
    [
      'Step 1/3 : FROM base',
      ' ---> ID',
      'Step 2/3 : RUN echo hi; echo err >&2',
      ' ---> Running in ID',
      'hi',
      'err',
      ' ---> Removed intermediate container ID',
      ' ---> ID',
      'Step 3/3 : ENV A=b',
      ' ---> Running in ID',
      ' ---> Removed intermediate container ID',
      ' ---> ID',
      'Successfully built ID',
      'Successfully tagged printed:latest',
      'Successfully tagged printed:x',
      '',
    ].join('\n'),
  );
  assert.equal(f.env.images.resolve('printed:x').id, r.image.id);
});

test('an image for each instruction, each the parent of the next', async () => {
  const { image } = await build('FROM base\nENV CHAIN=1\nRUN echo x > /x\nCMD ["a"]\n');
  const chain: string[] = [];
  for (let i: Image | undefined = image; i; i = i.parentId ? f.env.images.get(i.parentId) : undefined)
    chain.push(history(i).at(-1) ?? 'base');
  assert.deepEqual(chain, [
    '(empty) /bin/sh -c #(nop)  CMD ["a"]',
    '/bin/sh -c echo x > /x',
    '(empty) /bin/sh -c #(nop)  ENV CHAIN=1',
    'base',
  ]);
  assert.ok(f.env.images.list({ all: true }).length >= 4);
  assert.deepEqual(image.config.config?.Cmd, ['a']);
});

test('files that are changed between their sum and their copy are copied again, and not for ever', async () => {
  const { snapshots } = f.env;
  const prepare = snapshots.prepare.bind(snapshots);
  /** Changes the file each time that a copy begins. */
  const edited = async <T>(edits: string[], fn: () => Promise<T>): Promise<T> => {
    snapshots.prepare = (...args) => {
      const edit = edits.shift();
      if (edit !== undefined) f.put('edited', edit);
      return prepare(...args);
    };
    try {
      return await fn();
    } finally {
      snapshots.prepare = prepare;
    }
  };
  const dockerfile = 'FROM base\nCOPY edited /edited\n';
  f.put('edited', 'first');
  const { image } = await edited(['second'], () => build(dockerfile));
  f.put('edited', 'second');
  const { image: second, text } = await build(dockerfile);
  assert.equal(second.id, image.id);
  assert.match(text, /Using cache/);
  f.put('edited', 'first');
  assert.doesNotMatch((await build(dockerfile)).text, /Using cache/);
  const { error } = await edited(
    Array.from({ length: 10 }, (_, i) => `edit ${i}`),
    () => fails(dockerfile, { noCache: true }),
  );
  assert.equal(error.code, 'copy.changing');
});

test('the cache is used along the chain, and no further than the first difference', async () => {
  f.put('a', 'one');
  const text = 'FROM base\nENV CACHE=1\nCOPY a /a\nRUN cat /a\n';
  const first = await build(text);
  const second = await build(text);
  assert.equal(second.image.id, first.image.id);
  assert.equal(second.lines.filter((l) => l === ' ---> Using cache').length, 3);
  f.put('a', 'two');
  const third = await build(text);
  assert.equal(third.lines.filter((l) => l === ' ---> Using cache').length, 1);
  assert.match(third.text, /^two/m);
  assert.equal((await build(text, { noCache: true })).text.includes('Using cache'), false);
  assert.equal((await build('FROM base\nENV CACHE=1\nENV NEW=1\nCOPY a /a\n')).lines.filter((l) => l === ' ---> Using cache').length, 1);
});

test('arguments are part of what a command is; proxies are not', async () => {
  const text = 'FROM base\nARG V=1\nRUN echo v=$V $HTTP_PROXY\n';
  const one = await build(text);
  assert.deepEqual(history(one.image), ['(empty) /bin/sh -c #(nop)  ARG V=1', '(empty) |1 V=1 /bin/sh -c echo v=$V $HTTP_PROXY']);
  assert.match((await build(text, { buildArgs: { V: '2' } })).text, /^v=2/m);
  assert.match((await build(text, { buildArgs: { HTTP_PROXY: 'p' } })).text, /Using cache\n.*\nStep 3\/3 .*\n ---> Using cache/);
  assert.match((await build(text, { buildArgs: { NOBODY: '1' } })).text, /\[Warning\] One or more build-args \[NOBODY\] were not consumed/);
});

test('history is written as the original builder writes it', async () => {
  f.put('a', 'x');
  f.put('d/b', 'x');
  const { image } = await build(
    [
      'FROM base',
      'MAINTAINER joe',
      'LABEL a="b c" d=e',
      'EXPOSE 80 53/udp',
      'VOLUME /v /w',
      'USER user',
      'WORKDIR sub',
      'STOPSIGNAL SIGHUP',
      'SHELL ["/bin/sh","-e","-c"]',
      'CMD x "y"',
      'ENTRYPOINT ["e"]',
      'HEALTHCHECK --interval=5m CMD true',
      'ONBUILD RUN true',
      'COPY --chown=1:2 a ./',
      'ADD d /d',
      'COPY a d /e/',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    history(image).map((h) => h.replace(/(file|dir|multi):[0-9a-f]{64}/, '$1:SUM')),
    [
      '(empty) /bin/sh -c #(nop)  MAINTAINER joe',
      '(empty) /bin/sh -c #(nop)  LABEL a=b c d=e',
      '(empty) /bin/sh -c #(nop)  EXPOSE 53/udp 80',
      '(empty) /bin/sh -c #(nop)  VOLUME [/v /w]',
      '(empty) /bin/sh -c #(nop)  USER user',
      '/bin/sh -c #(nop) WORKDIR /sub',
      '(empty) /bin/sh -c #(nop)  STOPSIGNAL SIGHUP',
      '(empty) /bin/sh -e -c #(nop)  SHELL [/bin/sh -e -c]',
      '(empty) /bin/sh -e -c #(nop)  CMD ["/bin/sh" "-e" "-c" "x \\"y\\""]',
      '(empty) /bin/sh -e -c #(nop)  ENTRYPOINT ["e"]',
      '(empty) /bin/sh -e -c #(nop)  HEALTHCHECK &{[CMD-SHELL true] 5m0s 0s 0s 0s 0}',
      '(empty) /bin/sh -e -c #(nop)  ONBUILD RUN true',
      '/bin/sh -e -c #(nop) COPY --chown=1:2 file:SUM in ./ ',
      '/bin/sh -e -c #(nop) ADD dir:SUM in /d ',
      '/bin/sh -e -c #(nop) COPY multi:SUM in /e/ ',
    ],
  );
  assert.equal(image.config.author, 'joe');
  assert.deepEqual(Object.keys(image.config.config?.ExposedPorts ?? {}), ['53/udp', '80/tcp']);
  assert.equal(image.config.config?.WorkingDir, '/sub');
});

test('every stage before the target runs; later ones do not', async () => {
  const text =
    'FROM base AS one\nRUN echo one > /one\nFROM base AS unused\nRUN echo unused\nFROM base AS two\nCOPY --from=one /one /two\nFROM base\nRUN exit 3\n';
  const { lines } = await build(text, { target: 'TWO', noCache: true });
  assert.ok(lines.includes('unused'));
  assert.ok(lines.includes('Step 6/6 : COPY --from=one /one /two'));
  const { error } = await fails(text);
  assert.equal(error.message, "The command '/bin/sh -c exit 3' returned a non-zero code: 3");
  assert.equal(error.exitCode, 3);
  assert.match((await fails(text, { target: 'nosuch' })).error.message, /target stage "nosuch" could not be found/);
});

test('triggers run in the build upon the image, once', async () => {
  await build('FROM base\nONBUILD RUN echo triggered\nONBUILD ENV T=1\n', { tags: ['withtriggers'] });
  const { text, image } = await build('FROM withtriggers\nRUN echo T=$T\n', { tags: ['triggered'], noCache: true });
  assert.match(masked(text), /^Step 1\/2 : FROM withtriggers\n# Executing 2 build triggers\n ---> Running in ID\ntriggered\n/);
  assert.match(text, /^T=1/m);
  assert.equal(image.config.config?.OnBuild, undefined);
  assert.doesNotMatch((await build('FROM triggered\nENV a=b\n')).text, /build trigger/);
});

test('what is written into a volume is lost, what is copied is kept', async () => {
  f.put('copied', 'c');
  const { text } = await build(
    'FROM base\nRUN mkdir /data && echo before > /data/before\nVOLUME /data\nRUN echo after > /data/after; rm /data/before; ls /data\nCOPY copied /data/\nRUN ls /data\n',
    { noCache: true },
  );
  assert.match(text, /\nafter\n.*\n.*\nStep 5/);
  assert.match(text, /\nbefore\ncopied\n/);
});

test('labels of the command line are steps of the target', async () => {
  const { lines, image } = await build('FROM base\nLABEL a=1\n', { labels: { b: '2', a: '3' } });
  assert.ok(lines.includes('Step 4/4 : LABEL b=2'));
  assert.deepEqual(image.config.config?.Labels, { a: '3', b: '2' });
});

test('what came later is refused at its step', async () => {
  for (const [line, flag] of [
    ['RUN --mount=type=cache,target=/x true', 'mount'],
    ['RUN --network=none true', 'network'],
    ['COPY --chmod=755 a /', 'chmod'],
    ['COPY --exclude=x . /', 'exclude'],
  ] as const) {
    f.put('a', 'a');
    const { error, text } = await fails(`FROM base\n${line}\n`);
    assert.equal(
      error.message,
      `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
    );
    assert.match(text, /Step 2\/2/);
  }
});

test('mistakes are told in its words', async () => {
  const cases: [string, RegExp][] = [
    ['FROM scratch\n', /^No image was generated\. Is your Dockerfile empty\?$/],
    ['FROM $NOTHING\n', /^base name \(\$NOTHING\) should not be blank$/],
    // no registry is connected here: what these say is tested with them
    ['FROM nosuch:1\n', /^No such image: nosuch:1$/],
    ['FROM base\nCOPY --from=5 /a /\n', /^invalid from flag value 5: index out of bounds$/],
    ['FROM base\nCOPY --from=0 /a /\n', /^invalid from flag value 0: refers to current build stage$/],
    [
      'FROM base\nCOPY nope /\n',
      /^COPY failed: file not found in build context or excluded by \.dockerignore: stat nope: file does not exist$/,
    ],
    [
      'FROM base\nCOPY ["a", "d", "."]\n',
      /^When using COPY with more than one source file, the destination must be a directory and end with a \/$/,
    ],
    ['FROM base\nEXPOSE http\n', /^Invalid containerPort: http$/],
    ['FROM base\nSTOPSIGNAL SIGNOPE\n', /^invalid signal: SIGNOPE$/],
    ['FROM base\nWORKDIR /etc/passwd\n', /^Cannot mkdir: \/etc\/passwd is not a directory$/],
    ['FROM scratch\nENV a=b\nRUN x\n', /\/bin\/sh.*no such file or directory/],
  ];
  for (const [text, message] of cases) assert.match((await fails(text)).error.message, message);
});

test('intermediate containers are kept, or told to go, as asked', async () => {
  assert.doesNotMatch(
    (await build('FROM base\nENV RM=1\n', { noCache: true, classic: { rm: false, forceRm: false, cacheFrom: [] } })).text,
    /Removed/,
  );
  assert.doesNotMatch((await fails('FROM base\nRUN exit 1\n')).text, /Removed/);
  assert.match(
    (await fails('FROM base\nRUN exit 1\n', { classic: { rm: true, forceRm: true, cacheFrom: [] } })).text,
    /Removed intermediate container/,
  );
});

test('nothing is left mounted, and an aborted build leaves no half of a step', async () => {
  const controller = new AbortController();
  const before = f.env.images.list({ all: true }).length;
  const request = await f.request('FROM base\nRUN echo started; sleep 600\n', { signal: controller.signal });
  const onEvent: BuildJob['onEvent'] = (event) => {
    request.onEvent(event);
    if (/^started$/m.test(textOf(request.events))) controller.abort(new Error('enough'));
  };
  await assert.rejects(buildClassic(f.env, { ...request, onEvent }), { message: 'enough' });
  assert.equal(f.env.images.list({ all: true }).length, before);
  assert.equal(execFileSync('sh', ['-c', `grep -c ' ${f.folder}' /proc/self/mounts || true`], { encoding: 'utf8' }).trim(), '0');
});
