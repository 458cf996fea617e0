// `run`, `exec` and `export` with every option that takes a path or a user, on images full of links to a folder of the host
// (hostile-host.ts) and of files that are none.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { readTar } from '../../src/archive/testing.ts';
import { type Container, type ContainerRequest, execIn, type VolumeRequest } from '../../src/container/index.ts';
import { exportRootfs, openSink } from '../../src/image/index.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { FileType, mknod } from '../../src/sys/index.ts';
import { addImage, type Fixture, fixture, request, runIn } from './container-fixture.ts';
import { filesOf, HostileHost } from './hostile-host.ts';

let f: Fixture;
let attacked: HostileHost;
let host = '';

before(async () => {
  f = await fixture();
  attacked = new HostileHost();
  host = attacked.path;
  addImage(f.manager, 'evil', { Env: ['PATH=/bin'] }, evil);
});
after(async () => {
  await f.dispose();
  attacked[Symbol.dispose]();
});

/** Links of all kinds to the host's folder, which the image has too, with files of its own. */
function evil(at: (path: string) => string): void {
  for (const dir of [`${host}/dir`, 'in/deep', 'swap/dir']) mkdirSync(at(dir), { recursive: true });
  writeFileSync(at(`${host}/secret`), 'own');
  writeFileSync(at(`${host}/dir/file`), 'own');
  symlinkSync(host, at('lnk'));
  symlinkSync(`../../../../../../../../..${host}`, at('in/deep/up'));
  symlinkSync('/lnk', at('chain'));
  symlinkSync(`${host}/secret`, at('leaf'));
  symlinkSync('loop', at('loop'));
}

interface Tried {
  readonly error: string;
  readonly output: string;
}

/** A container whose command looks around, after which the host is as before. */
async function tryRun(what: string, o: Partial<ContainerRequest>): Promise<Tried> {
  const script = `pwd; id; mount | grep -c . ; cat secret file dir/file; cat ../../../../../../../../..${host}/secret; echo x > new; mkdir newdir`;
  let tried: Tried;
  try {
    const { stdout, stderr } = await runIn(f.manager, { image: 'evil', args: ['sh', '-c', script], autoRemove: true, ...o });
    tried = { error: '', output: `${stdout}${stderr}` };
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    tried = { error: e.message, output: '' };
  }
  attacked.assertUntouched(what);
  assert.doesNotMatch(tried.output, /of the host/, what);
  return tried;
}

/** Places of the image that lead to the host's folder, if anything does. */
const places = (): string[] => ['/lnk', '/chain', '/in/deep/up', `/in/deep/../../chain`, `/proc/self/root/lnk`];

test('run -w: links lead to the image’s own folders, which are created there', async () => {
  for (const place of places()) {
    for (const below of ['', '/dir', '/new/deep']) {
      const { error, output } = await tryRun(`-w ${place}${below}`, { workdir: `${place}${below}` });
      if (place.startsWith('/proc')) continue;
      assert.equal(error, '');
      assert.match(output, new RegExp(`^${host}${below}$`, 'm'));
    }
  }
  assert.match((await tryRun('-w file', { workdir: '/leaf' })).error, /Cannot mkdir: \/leaf is not a directory/);
  assert.match((await tryRun('-w loop', { workdir: '/loop/x' })).error, /too many|loop/i);
});

test('run -w and exec -w: what the runtime has open is no way out', async () => {
  const c = await started();
  for (let fd = 0; fd < 24; fd++) {
    for (const workdir of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../../../../../../..${host}`]) {
      if (fd < 12) await tryRun(`-w ${workdir}`, { workdir });
      await tryExec(c, `exec -w ${workdir}`, { workdir });
    }
  }
  await f.manager.remove(c, { force: true });
});

test('run -v and --tmpfs: targets that are links stay in the image, and volumes are filled from there', async () => {
  const source = join(f.folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), 'bound');
  const bind = (destination: string): VolumeRequest => ({ source, destination, readonly: false });
  for (const place of places()) {
    for (const below of ['', '/dir', '/dir/file', '/new/deep', '/secret']) {
      const at = `${place}${below}`;
      await tryRun(`-v ${at}`, { volumes: [bind(at)] });
      await tryRun(`-v volume:${at}`, { volumes: [{ source: 'filled', destination: at, readonly: false }] });
      await tryRun(`-v anonymous ${at}`, { volumes: [{ destination: at, readonly: false }] });
      for (const text of filesOf(f.manager.volumes.get('filled').mountpoint).values()) assert.doesNotMatch(text, /of the host/);
      f.manager.volumes.remove('filled');
      await tryRun(`--tmpfs ${at}`, { tmpfs: [at] });
      await tryRun(`--tmpfs ${at} with a mode`, { tmpfs: [`${at}:mode=777,uid=5`] });
    }
  }
  const { output } = await tryRun('-v', { volumes: [bind('/lnk/dir')], args: ['cat', `${host}/dir/file`] });
  assert.equal(output, 'bound');
  const over = await tryRun('a volume over the way to another', {
    volumes: [bind('/lnk'), { destination: '/lnk/below', readonly: false }, bind(`${host}/again`)],
    tmpfs: ['/chain/t'],
  });
  assert.equal(over.error, '');
  for (const loop of ['/loop', '/loop/x']) assert.match((await tryRun(loop, { volumes: [bind(loop)] })).error, /too many levels/);
});

test('images whose /etc, /dev, /proc or /tmp is a link', async () => {
  for (const name of ['etc', 'dev', 'proc', 'sys', 'dev/shm', 'dev/pts', 'etc/hosts', 'etc/resolv.conf', 'run']) {
    for (const target of [host, `${host}/secret`, `${host}/emptyfile`, `../../../../../..${host}/empty`]) {
      const image = `linked-${name.replace('/', '-')}-${target.length}`;
      addImage(f.manager, image, { Env: ['PATH=/bin'] }, (at) => {
        mkdirSync(dirname(at(name)), { recursive: true });
        rmSync(at(name), { recursive: true, force: true });
        symlinkSync(target, at(name));
      });
      await tryRun(`/${name} -> ${target}`, { image });
    }
  }
});

/** What stands in the place of a file of accounts, and what is said of it when a name is looked up. */
const ACCOUNTS: Readonly<Record<string, { make(path: string): void; said: RegExp }>> = {
  'a link to the host': { make: (path) => symlinkSync(join(host, 'passwd'), path), said: /unable to find (user|group)/ },
  'a link upwards': { make: (path) => symlinkSync(`../../../../../../..${host}/passwd`, path), said: /unable to find (user|group)/ },
  'a link to itself': { make: (path) => symlinkSync('/etc/passwd', path), said: /unable to find (user|group)/ },
  'a FIFO': { make: (path) => mknod(path, FileType.S_IFIFO | 0o666), said: /not a regular file/ },
  'a device': { make: (path) => mknod(path, FileType.S_IFCHR | 0o666, 1, 5), said: /not a regular file/ },
  'a disk': { make: (path) => mknod(path, FileType.S_IFBLK | 0o666, 7, 200), said: /not a regular file/ },
  'a directory': { make: (path) => mkdirSync(path), said: /unable to find (user|group)/ },
  'much too large': {
    make: (path) => {
      writeFileSync(path, 'own:x:7:7::/:/bin/sh\n');
      truncateSync(path, 2 ** 40);
    },
    said: /too large/,
  },
};

test('run -u: accounts are read from regular files of the image alone', async () => {
  let n = 0;
  for (const [what, { make, said }] of Object.entries(ACCOUNTS)) {
    for (const file of ['passwd', 'group']) {
      const image = `accounts-${n++}`;
      addImage(f.manager, image, { Env: ['PATH=/bin'] }, (at) => {
        rmSync(at(`etc/${file}`));
        make(at(`etc/${file}`));
      });
      const { error } = await tryRun(`${file} is ${what}`, { image, user: file === 'passwd' ? 'own' : '7:own' });
      assert.match(error, said, `${file} is ${what}`);
      const number = await tryRun(`${file} is ${what}`, { image, user: '7:7' });
      if (number.error !== '') assert.match(number.error, said);
    }
  }
});

/** A container that runs until it is removed. */
async function started(o: Partial<ContainerRequest> = {}): Promise<Container> {
  const c = await f.manager.create(request({ image: 'evil', args: ['sleep', '100000'], ...o }));
  await f.manager.start(c);
  return f.manager.records.resolve(c.id);
}

async function tryExec(c: Container, what: string, o: { workdir?: string; user?: string; script?: string }): Promise<Tried> {
  const said: Buffer[] = [];
  let error = '';
  try {
    await execIn(f.manager, c, {
      args: ['sh', '-c', o.script ?? `pwd; cat secret file; cat ../../../../../../../../..${host}/secret; echo x > new`],
      env: [],
      tty: false,
      detach: false,
      privileged: false,
      stdout: (chunk) => said.push(chunk),
      stderr: (chunk) => said.push(chunk),
      ...(o.workdir !== undefined && { workdir: o.workdir }),
      ...(o.user !== undefined && { user: o.user }),
    });
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    error = e.message;
  }
  attacked.assertUntouched(what);
  const output = Buffer.concat(said).toString();
  assert.doesNotMatch(`${output}${error}`, /of the host/, what);
  return { error, output };
}

test('exec -w and -u: what the container made of its files leads nowhere else', async () => {
  const c = await started();
  for (const place of places())
    for (const below of ['', '/dir', '/none']) await tryExec(c, `exec -w ${place}${below}`, { workdir: place + below });
  assert.match((await tryExec(c, 'exec', { workdir: '/lnk', script: 'cat secret' })).output, /^own$/);
  for (const [what, make] of [
    ['a link to the host', `ln -s ${host}/passwd /etc/passwd`],
    ['a magic link', `ln -s /proc/1/root${host}/passwd /etc/passwd`],
    ['a FIFO', 'mkfifo /etc/passwd'],
    ['a device', 'mknod /etc/passwd c 1 5'],
    ['large', 'truncate -s 1T /etc/passwd'],
    ['gone with its folder', `rm -r /etc; ln -s ${host} /etc`],
  ] as const) {
    await tryExec(c, what, { script: `rm -rf /etc/passwd; ${make}` });
    const { error } = await tryExec(c, `exec -u with a passwd that is ${what}`, { user: 'own' });
    assert.match(error, /unable to find user own|not a regular file|too large/, what);
  }
  await f.manager.remove(f.manager.records.resolve(c.id), { force: true });
});

test('export: links stay links, and what a program swaps meanwhile shows nothing of the host', async () => {
  const { container } = await runIn(f.manager, { image: 'evil', args: ['true'] });
  const exported = async (name: string): Promise<string> => {
    const path = join(f.folder, name);
    const sink = await openSink(path);
    await f.manager.withFiles(container, (rootfs) => exportRootfs(rootfs, sink));
    return path;
  };
  const tar = readFileSync(await exported('evil.tar'));
  assert.doesNotMatch(tar.toString('latin1'), /of the host/);
  const links = readTar(tar).filter(({ entry }) => entry.type === 'symlink');
  assert.ok(links.some(({ entry }) => entry.path === 'lnk' && entry.link === host));
  attacked.assertUntouched('export');
});

test('programs that are links, FIFOs or devices are looked at, and not opened', async () => {
  for (const program of ['/leaf', '/lnk/secret', '/in/deep/up/dir', '/loop', '/chain/none'])
    assert.match((await tryRun(program, { args: [program] })).error, /permission denied|is a directory|no such file/i, program);
});
