// COPY, ADD and WORKDIR with every kind of flag, against trees full of links to a folder of the host (hostile-host.ts).
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { makeTar } from '../../src/archive/testing.ts';
import { openNamedWord } from '../support/contexts.ts';
import { HostileBuilds } from './hostile-host.ts';

const attack = new HostileBuilds();

test('COPY --from: links lead to the stage’s own files', async () => {
  const words = ['/lnk/secret', '/in/deep/up/secret', '/chain/secret', '/leaf', '/lnk/s*t', '/in/deep/../../chain/./secret'];
  const copies = words.map((w, i) => `COPY --from=evil ${w} /o${i}/f`).join('\n');
  const { files, error } = await attack.build(
    `${attack.stage()}FROM scratch\n${copies}\nCOPY --from=evil /lnk/dir /d/\nCOPY --from=evil /in /in/`,
  );
  assert.equal(error, '');
  assert.deepEqual([...files].sort(), [['d/file', 'own\n'], ...words.map((_, i) => [`o${i}/f`, 'own\n'])].sort());
});

test('COPY --parents: links on the way are not followed', async () => {
  for (const word of [
    '/lnk/secret',
    '/lnk/./secret',
    '//lnk/secret',
    '/chain/./dir/file',
    '/in/deep/up/secret',
    '/in/./dir/file',
    '/./lnk/secret',
  ]) {
    const { files, error, hints } = await attack.build(`${attack.stage()}FROM scratch\nCOPY --parents --from=evil ${word} /`);
    if (files.size > 0) assert.deepEqual([...new Set(files.values())], ['own\n'], word);
    else assert.match(`${error}\n${hints}`, /not found\n.* is a symbolic link/, word);
  }
  const { files } = await attack.build(`${attack.stage()}FROM scratch\nCOPY --parents --from=evil /**/secret /in/deep /chain /o/`);
  assert.deepEqual([...files], [[`o${attack.host}/secret`, 'own\n']]);
});

test('COPY and ADD from a context: a link that leaves it is not found, and said to', async () => {
  symlinkSync(attack.host, join(attack.f.context, 'lnk'));
  symlinkSync(join(attack.host, 'secret'), join(attack.f.context, 'leaf'));
  symlinkSync(relative(attack.f.context, attack.host), join(attack.f.context, 'rel'));
  attack.f.put('real/x', 'x');
  symlinkSync('real', join(attack.f.context, 'inner'));
  for (const [engine, flags] of [
    ['graph', ''],
    ['graph', '--link'],
    ['graph', '--chown=7:7 --chmod=0600'],
    ['graph', '--exclude=none'],
    ['classic', ''],
  ] as const) {
    for (const word of ['lnk/secret', 'leaf', 'rel/dir', 'lnk/s*', 'lnk', 'rel/dir/file']) {
      for (const kind of ['COPY', 'ADD']) {
        const { error, hints, files } = await attack.build(`FROM scratch\n${kind} ${flags} ${word} /o/`, {}, engine);
        assert.equal(files.size, 0, word);
        if (word.includes('*')) assert.match(error, /^$|no source files/);
        else
          assert.match(`${error}\n${hints}`, /(not found|does not exist)[^]*is a symbolic link to .* leads out of the build context/, word);
      }
    }
  }
  for (const word of ['lnk/secret', 'lnk/./secret', '//lnk/secret', 'lnk/./s*', '**/secret', 'rel/./**', 'real/../lnk/secret'])
    assert.equal((await attack.build(`FROM scratch\nCOPY --parents ${word} /`)).files.size, 0, word);
  assert.deepEqual([...(await attack.build('FROM scratch\nCOPY inner/x /i')).files], [['i', 'x']]);
  // links that are copied stay links, and are not followed by what comes after
  const { files } = await attack.build('FROM base\nCOPY . /c\nRUN ls /c/lnk/secret || echo nothing > /said');
  assert.equal(files.get('said'), 'nothing\n');
});

test('destinations: links in the image stay in the image', async () => {
  attack.f.put('a', 'a');
  attack.f.put('d/x', 'x');
  writeFileSync(
    join(attack.f.context, 't.tar'),
    makeTar([
      { path: 'y', content: 'y' },
      { path: 'z/', mode: 0o700 },
    ]),
  );
  for (const flags of ['', '--link', '--chown=7:7', '--chmod=0700', '--parents']) {
    const { error } = await attack.build(
      `${attack.stage()}COPY ${flags} a /lnk/\nCOPY ${flags} a /chain/dir/file\nCOPY ${flags} d /in/deep/up/new/\nCOPY ${flags} d /in/dir\nCOPY ${flags} <<E /lnk/here\nE\n`,
    );
    assert.ok(error === '' || /cannot (copy|replace)|not a directory/.test(error), `${flags}: ${error}`);
  }
  const { files } = await attack.build(
    `${attack.stage()}ADD t.tar /lnk/\nADD --chown=7:7 t.tar /in/dir/\nWORKDIR /lnk/made/by/workdir\nWORKDIR ../../up`,
  );
  assert.equal(files.get(`${attack.host.slice(1)}/y`), 'y');
  await attack.build(
    `${attack.stage()}COPY a d /lnk/\nADD t.tar /chain\nWORKDIR /in/deep/up/w\nVOLUME /lnk/v /in/dir\nRUN true`,
    {},
    'classic',
  );
});

test('named contexts stay in their folder', async () => {
  const folder = join(attack.f.folder, 'named');
  mkdirSync(folder, { recursive: true });
  symlinkSync(attack.host, join(folder, 'lnk'));
  const named = await openNamedWord('n', folder, { scratch: attack.f.folder });
  const namedContexts = new Map([['n', named]]);
  for (const line of ['COPY --from=n lnk/secret /', 'COPY --from=n --parents lnk/secret /', 'ADD --from=n lnk /'])
    assert.equal((await attack.build(`FROM scratch\n${line}`, { namedContexts })).files.size, 0, line);
  const { error } = await attack.build('FROM base\nRUN --mount=type=bind,from=n,source=lnk,target=/m true', { namedContexts });
  assert.match(error, /not found/);
});

/** All that can be chosen of these. */
const choices = (flags: readonly string[]): string[][] =>
  flags.reduce<string[][]>((all, flag) => [...all, ...all.map((some) => [...some, flag])], [[]]);

test('COPY and ADD with every combination of flags: sources and destinations lead nowhere', async () => {
  const { f, host } = attack;
  f.put('a', 'a');
  f.put('d/secret', 'own');
  symlinkSync(host, join(f.context, 'lnk'));
  writeFileSync(
    join(f.context, 't.tar'),
    makeTar([
      { path: 'lnk', type: 'symlink', link: host },
      { path: 'lnk/secret', content: 'x' },
    ]),
  );
  const places = ['/lnk/', '/chain/dir/', '/in/deep/up/new/', '/in/dir/', '/leaf'];
  for (const [n, some] of choices(['--link', '--chown=7:7', '--chmod=0600', '--exclude=none', '--parents']).entries()) {
    const flags = some.join(' ');
    await attack.build(`${attack.stage()}FROM evil\nCOPY ${flags} --from=evil /lnk/secret /in/deep/up/ /chain/dir /lnk/to/`);
    const at = places[n % places.length];
    await attack.build(`${attack.stage()}COPY ${flags} a ${at}\nCOPY ${flags} d ${at}\nCOPY ${flags} lnk* d/../lnk*/s* ${at}`);
    await attack.build(`${attack.stage()}ADD ${flags} a t.tar ${at}\nADD ${flags} --unpack=true t.tar ${at}`);
  }
});
