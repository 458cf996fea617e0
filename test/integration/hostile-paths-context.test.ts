// Dockerfiles, ignore lists and archives full of links to a folder of the host (hostile-host.ts).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import { makeTar } from '../../src/archive/testing.ts';
import { type BuildContext, openContext, openRequested } from '../../src/builder/context/index.ts';
import { isSlipwayError, type Session } from '../../src/model/index.ts';
import { hostileArchives, HostileBuilds } from './hostile-host.ts';
import { memorySession } from '../support/session.ts';

const attack = new HostileBuilds();

const options = {
  scratch: '',
  signal: new AbortController().signal,
  elsewhere: { environment: {}, session: memorySession() },
};

test('Dockerfiles and ignore lists: links stay in their folder, and only files are opened', async () => {
  writeFileSync(join(attack.f.folder, 'elsewhere'), 'FROM scratch\n');
  const read = async (wording: 'graph' | 'classic', dockerfile?: string): Promise<string> => {
    const at = dockerfile !== undefined && isAbsolute(dockerfile) ? { path: dockerfile, name: dockerfile } : dockerfile;
    using context = await openContext(
      { kind: 'directory', path: attack.f.context },
      { ...options, scratch: attack.f.folder, wording, ...(at !== undefined && { dockerfile: at }) },
    );
    return context.dockerfile().text;
  };
  attack.f.put('sub/D', 'FROM scratch AS sub\n');
  spawnSync('mkfifo', [join(attack.f.context, 'fifo')]);
  for (const wording of ['graph', 'classic'] as const) {
    for (const target of [join(attack.host, 'secret'), '../elsewhere', join(attack.f.folder, 'elsewhere'), '/dev/zero']) {
      rmSync(join(attack.f.context, 'Dockerfile'), { force: true });
      symlinkSync(target, join(attack.f.context, 'Dockerfile'));
      await assert.rejects(read(wording), /no such file or directory/, target);
      await assert.rejects(read(wording, 'Dockerfile'), /no such file or directory/, target);
    }
    rmSync(join(attack.f.context, 'Dockerfile'));
    symlinkSync('sub/D', join(attack.f.context, 'Dockerfile'));
    assert.equal(await read(wording), 'FROM scratch AS sub\n');
    for (const file of ['fifo', '/dev/zero', '/dev/null']) await assert.rejects(read(wording, file), /not a regular file/, file);
    for (const target of ['fifo', '/dev/zero']) {
      rmSync(join(attack.f.context, '.dockerignore'), { force: true });
      if (target === 'fifo') linkSync(join(attack.f.context, 'fifo'), join(attack.f.context, '.dockerignore'));
      else symlinkSync(target, join(attack.f.context, '.dockerignore'));
      if (target === 'fifo') await assert.rejects(read(wording), /\.dockerignore: not a regular file/);
      else assert.equal(await read(wording), 'FROM scratch AS sub\n');
    }
    rmSync(join(attack.f.context, '.dockerignore'));
  }
  attack.assertUntouched('Dockerfile');
});

test('a folder of what was sent that is a link leads to no Dockerfile and no ignore list of the host', async () => {
  const { f } = attack;
  const apart = join(f.folder, 'linked');
  mkdirSync(apart);
  writeFileSync(join(apart, 'secret'), 'FROM scratch AS secret\n');
  writeFileSync(join(apart, 'secret.dockerignore'), '*\n');
  const archive = makeTar([
    { path: 'own', content: 'FROM scratch\n' },
    { path: 'lnk', type: 'symlink', link: apart },
  ]);
  const session = (): Session => ({
    ...memorySession(),
    local: async () => ({ kind: 'stream', stream: Readable.from([archive]) }),
  });
  for (const wording of ['graph', 'classic'] as const) {
    const o = { ...options, scratch: f.folder, wording };
    for (const path of ['lnk/secret', `../../../../..${apart}/secret`]) {
      const opened = [
        openContext({ kind: 'stream', stream: Readable.from([archive]) }, { ...o, dockerfile: path }),
        openRequested(
          { context: { kind: 'folder', name: 'c', written: '.' }, dockerfile: { kind: 'inside', path, written: path } },
          session(),
          o,
        ),
        openRequested(
          { context: { kind: 'folder', name: 'c', written: '.' }, dockerfile: { kind: 'outside', name: 'd', file: path, written: path } },
          session(),
          o,
        ),
      ];
      for (const one of opened)
        await assert.rejects(async () => {
          using context = await one;
          assert.equal(context.ignore, undefined);
          return context.dockerfile();
        }, /no such file or directory|leads out of its folder/);
    }
    using context = await openContext({ kind: 'stream', stream: Readable.from([archive]) }, { ...o, dockerfile: './own' });
    assert.equal(context.dockerfile().text, 'FROM scratch\n');
  }
});

test('a Dockerfile outside of the context, and its ignore list, are not looked for where links lead', async () => {
  const { f, host } = attack;
  const elsewhere = join(f.folder, 'apart');
  f.put('kept', 'x');
  f.put('own.ignore', 'kept\n');
  for (const target of [
    join(host, 'secret'),
    `../../../../../../..${host}/secret`,
    join(f.context, 'kept'),
    '/dev/zero',
    '/proc/self/environ',
  ]) {
    rmSync(elsewhere, { recursive: true, force: true });
    mkdirSync(elsewhere);
    symlinkSync(target, join(elsewhere, 'Dockerfile'));
    writeFileSync(join(elsewhere, 'D'), 'FROM scratch\nCOPY . /\n');
    symlinkSync(target, join(elsewhere, 'D.dockerignore'));
    rmSync(join(f.context, '.dockerignore'), { force: true });
    symlinkSync(target, join(f.context, '.dockerignore'));
    for (const wording of ['graph', 'classic'] as const) {
      const open = (dockerfile: string): Promise<BuildContext> =>
        openContext(
          { kind: 'directory', path: f.context },
          { ...options, scratch: f.folder, wording, dockerfile: { path: dockerfile, name: dockerfile } },
        );
      await assert.rejects(async () => {
        using context = await open(join(elsewhere, 'Dockerfile'));
        return context.dockerfile();
      }, /no such file or directory/);
      using context = await open(join(elsewhere, 'D'));
      assert.match(context.dockerfile().text, /COPY/);
      // neither list can be read: nothing is left out
      assert.equal(context.ignore?.matches('kept').excluded ?? false, false);
    }
    attack.assertUntouched(target);
  }
  rmSync(join(f.context, '.dockerignore'));
});

test('archives as contexts and for ADD leave the host alone', async () => {
  for (const [what, members] of Object.entries(hostileArchives(attack.host))) {
    const tar = makeTar(members);
    for (const bytes of [tar, tar.subarray(0, Math.floor(tar.length / 2) - 100)]) {
      writeFileSync(join(attack.f.context, 'a.tar'), bytes);
      for (const engine of ['graph', 'classic'] as const) await attack.build('FROM scratch\nADD a.tar /o/', {}, engine);
      await openContext(
        { kind: 'stream', stream: Readable.from([bytes]) },
        { ...options, scratch: attack.f.folder, wording: 'graph' },
      ).then(
        (context) => context.dispose(),
        () => {},
      );
      attack.assertUntouched(what);
    }
  }
});

test('layers leave the host alone', () => {
  for (const [what, members] of Object.entries(hostileArchives(attack.host))) {
    using lease = attack.f.env.leases.create();
    const active = attack.f.env.snapshots.prepare(null, lease);
    const applier = attack.f.env.snapshots.applier(active.id);
    try {
      const parser = new TarParser(applier);
      parser.write(makeTar(members));
      parser.finish();
      applier.finish();
    } catch (e) {
      assert.ok(isSlipwayError(e), what);
      applier.abort();
    }
    attack.f.env.snapshots.remove(active.id);
    attack.assertUntouched(what);
  }
});
