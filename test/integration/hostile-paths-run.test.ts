// RUN with mounts of every type, and users, against trees full of links to a folder of the host (hostile-host.ts).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BuildJob } from '../../src/builder/types.ts';
import { openAgent } from '../../src/builder/index.ts';
import { HostileBuilds } from './hostile-host.ts';
import { memorySession } from '../support/session.ts';

const attack = new HostileBuilds();

/** A socket that nobody answers at. */
class Agent implements Disposable {
  readonly path = join(attack.f.folder, 'agent');
  readonly #server = createServer().listen(this.path);

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

test('mounts of RUN: sources and targets stay inside, and so do those who swap them', async () => {
  symlinkSync(attack.host, join(attack.f.context, 'lnk'));
  attack.f.put('ok/f', 'f');
  const session = memorySession({ secrets: { s: 's' } });
  for (const mount of [
    'bind,target=/m,source=lnk',
    'bind,target=/m,source=lnk/secret',
    'bind,target=/m,source=lnk/dir,rw',
    'bind,from=evil,source=/none/../lnk/none,target=/m',
  ]) {
    const { error } = await attack.build(`${attack.stage()}FROM base\nRUN --mount=type=${mount} cat /m/* /m`);
    assert.match(error, /no such file or directory|not found/, mount);
  }
  const { error, files } = await attack.build(
    `${attack.stage()}FROM base\nRUN --mount=type=bind,from=evil,source=/lnk,target=/m cat /m/secret > /o\n` +
      `RUN --mount=type=cache,from=evil,source=/chain/dir,target=/m,id=${Date.now()} cat /m/file >> /o`,
  );
  assert.equal(error, '');
  assert.equal(files.get('o'), 'own\nown\n');
  // the command replaces a directory above its mount point by a link to the host: there, an empty folder and an empty file have that name
  for (const [mount, name] of [
    ['type=tmpfs', 'empty'],
    ['type=tmpfs', 'new/deep'],
    ['type=cache', 'empty'],
    ['type=bind,source=ok', 'empty'],
    ['type=secret,id=s', 'emptyfile'],
  ] as const) {
    const swap = await attack.build(
      `FROM base\nRUN --mount=${mount},target=/x/${name} mv /x /y && ln -s ${attack.host} /x && mkdir -p ${attack.host} && ln -s ${attack.host} /z`,
      { session },
    );
    assert.match(swap.error, /^$|Device or resource busy|did not complete/, mount);
  }
  await attack.build(`FROM base\nRUN mv /etc /e && ln -s ${attack.host} /etc\nRUN true\nRUN rm /etc; mv /e /etc`);
  await attack.build(
    `FROM scratch\nCOPY --from=base /bin /bin\nRUN ["/bin/sh", "-c", "mv /etc /e; ln -s ${attack.host} /etc"]\nRUN ["/bin/true"]`,
  );
});

test('targets of secrets, agents, caches and temporary file systems: links lead to the image’s own folders', async () => {
  const { f, host } = attack;
  using agent = new Agent();
  const agents = { default: await openAgent([agent.path], new AbortController().signal) };
  const session = memorySession({ secrets: { s: 'given' }, agents });
  for (const place of ['/lnk', '/chain', '/in/deep/up', '/in/dir', '/leaf', `${host}/secret`]) {
    for (const below of ['', '/new', '/dir', '/secret', '/dir/file']) {
      const at = `${place}${below}`;
      const dockerfile = `${attack.stage()}FROM evil\nRUN --mount=type=secret,id=s,target=${at} cat ${at}; cat /lnk/secret /leaf\nRUN --mount=type=ssh,target=${at} ls -ld ${at}
RUN --mount=type=tmpfs,target=${at} echo x > ${at}/x; true\nRUN --mount=type=cache,id=${at},target=${at} echo x > ${at}/x; true\nRUN --mount=type=bind,target=${at},rw echo x > ${at}/x; true\n`;
      await attack.build(dockerfile, { session });
    }
  }
  const { output } = await attack.build(`${attack.stage()}RUN --mount=type=secret,id=s,target=/lnk/s cat ${host}/s`, { session });
  assert.match(output, /given/);
  // a cache that a step filled with links, and of which the next one asks for a part
  const id = `links-${f.folder}`;
  for (const part of ['lnk', 'lnk/dir', 'leaf', 'up/dir', 'deep/../lnk']) {
    const links = `ln -sfn ${host} /c/lnk; ln -sf ${host}/secret /c/leaf; ln -sfn ../../../../../../..${host} /c/up; mkdir -p /c/deep`;
    await attack.build(
      `FROM base AS none\nFROM base\nRUN --mount=type=cache,id=${id},target=/c ${links}\nRUN --mount=type=cache,id=${id},from=none,source=${part},target=/m ls /m; cat /m/* /m; echo x > /m/new; true`,
    );
  }
});

test('mount points that are links are resolved inside, or refused', async () => {
  for (const engine of ['graph', 'classic'] as const) {
    for (const at of ['/dev', '/proc', '/sys']) {
      const { error } = await attack
        .build(`FROM base\nCOPY --from=base /etc/passwd ${attack.host}/here\nRUN true\nCOPY l ${at}`, {}, engine)
        .catch(() => ({ error: '' }));
      assert.ok(typeof error === 'string');
      rmSync(join(attack.f.context, 'root'), { recursive: true, force: true });
      mkdirSync(join(attack.f.context, 'root'));
      symlinkSync(attack.host, join(attack.f.context, 'root', at.slice(1)));
      const linked = await attack.build(`FROM scratch\nCOPY root /\nCOPY bin /bin\nRUN ["/bin/sh", "-c", "true"]`, await withBin(), engine);
      assert.match(linked.error, new RegExp(`cannot mount .* at ${at}: it must be an ordinary directory`), engine);
    }
  }
  const { error, output } = await attack.build(
    `FROM base\nRUN ln -s ${attack.host} /lnk\nRUN --mount=type=tmpfs,target=/lnk/sub ls -d ${attack.host}/sub && ! ls ${attack.host}/secret`,
  );
  assert.equal(error, '', output);
});

/** The context with a shell in it. */
async function withBin(): Promise<Partial<BuildJob>> {
  if (!existsSync(join(attack.f.context, 'bin'))) {
    mkdirSync(join(attack.f.context, 'bin'));
    const busybox = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim();
    writeFileSync(join(attack.f.context, 'bin/sh'), readFileSync(busybox), { mode: 0o755 });
  }
  return {};
}

test('accounts that are no files: said at once, and nothing of the host opened', async () => {
  spawnSync('mkfifo', [join(attack.f.context, 'fifo')]);
  symlinkSync(join(attack.host, 'passwd'), join(attack.f.context, 'linked'));
  attack.f.put('a', 'a');
  for (const engine of ['graph', 'classic'] as const) {
    for (const file of ['passwd', 'group']) {
      const chown = await attack.build(`FROM base\nRUN rm /etc/${file}\nCOPY fifo /etc/${file}\nCOPY --chown=name:name a /o`, {}, engine);
      assert.match(chown.error, new RegExp(`open /etc/${file}: not a regular file|no such user|can't find uid`));
    }
    const user = await attack.build('FROM base\nRUN rm /etc/passwd\nCOPY fifo /etc/passwd\nUSER name\nRUN true', {}, engine);
    assert.match(user.error, /open \/etc\/passwd: not a regular file/);
    const huge = await attack.build('FROM base\nRUN truncate -s 8M /etc/passwd\nUSER name\nRUN true', {}, engine);
    assert.match(huge.error, /open \/etc\/passwd: file too large/);
    const linked = await attack.build(
      `FROM base\nRUN rm /etc/passwd && ln -s ${attack.host}/passwd /etc/passwd\nUSER own\nRUN true`,
      {},
      engine,
    );
    assert.match(linked.error, /unable to find user own/);
    const program = await attack.build('FROM base\nRUN mkfifo -m 777 /p\nRUN ["/p"]', {}, engine);
    assert.match(program.error, /permission denied/i);
  }
});

test('USER, --chown and WORKDIR: the names of the host’s accounts are nobody here', async () => {
  const { f, host } = attack;
  f.put('a', 'a');
  mkdirSync(join(f.context, 'linked'));
  symlinkSync(host, join(f.context, 'linked/etc'));
  for (const make of [
    (file: string) => `rm ${file} && ln -s ${host}/passwd ${file}`,
    (file: string) => `rm ${file} && ln -s ../../../../../../..${host}/passwd ${file}`,
    (file: string) => `rm ${file} && ln -s ${file} ${file}`,
    (file: string) => `rm ${file} && mknod ${file} c 1 5`,
    (file: string) => `rm ${file} && mkdir ${file}`,
    undefined,
  ]) {
    for (const file of ['/etc/passwd', '/etc/group']) {
      const what = make?.(file) ?? `/etc -> ${host}`;
      const stage = make === undefined ? 'FROM scratch\nCOPY --from=base /bin /bin\nCOPY linked /\n' : `FROM base\nRUN ${what}\n`;
      const name = file.endsWith('passwd') ? 'own' : '7:own';
      for (const engine of ['graph', 'classic'] as const) {
        const user = await attack.build(`${stage}USER ${name}\nWORKDIR /w\nRUN true`, {}, engine);
        assert.match(user.error, /unable to find (user|group) own|not a regular file|cannot mount|find uid|no such/, what);
        const chown = await attack.build(`${stage}COPY --chown=${name.replace('7', '0')} a /o\nRUN stat -c %u:%g /o`, {}, engine);
        if (chown.error === '') assert.match(chown.output, /^0:0$/m, `${engine}: ${what}`);
      }
    }
  }
});
