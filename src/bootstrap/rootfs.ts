// Makes the root file system of a stand-in as a stream of tar bytes: a static busybox with a link for each applet, or a
// Debian by mmdebstrap. It writes below its own working folder only, and knows nothing of images.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { END_OF_ARCHIVE, encodeHeader, padding } from '../archive/index.ts';
import { SlipwayError } from '../model/index.ts';
import { run, withStreams } from '../sys/index.ts';
import { aptSources, requireTool, SUITE } from './apt.ts';
import type { Recipe } from './recipes.ts';

/** Every file of a stand-in has this time, so that two of them made from the same packages are the same bytes. */
const EPOCH_SECONDS = 1_700_000_000;

export interface RootfsOptions {
  /** An empty folder for working files; the caller removes it. */
  readonly work: string;
  /** Added to the small environment of the tools: proxies. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What is being done, in a few words, whenever it changes. */
  onStatus(text: string): void;
}

/** A root file system on its way: the tar bytes, and a promise that fails when its maker did. */
export interface RootfsSource {
  readonly stream: Readable;
  readonly done: Promise<void>;
}

/** Makes a Debian root file system with mmdebstrap; the tar comes through a pipe and is never on disk twice. */
export async function debianRootfs(recipe: Recipe, o: RootfsOptions): Promise<RootfsSource> {
  const tool = requireTool('mmdebstrap');
  const sources = join(o.work, 'sources.list');
  writeFileSync(sources, `${(await aptSources(o.signal)).join('\n')}\n`);
  const hooks = (recipe.setup ?? []).map((command) => `--customize-hook=chroot "$1" sh -ec ${quoted(command)}`);
  const child = withStreams(
    spawn(tool, ['--variant=minbase', `--include=${recipe.packages.join(',')}`, ...hooks, '--format=tar', SUITE, '-', sources], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: makerEnvironment(o),
      detached: true,
    }),
  );
  const stop = (): void => {
    // the whole group: mmdebstrap removes its folder when it is told to end
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
  };
  o.signal.addEventListener('abort', stop, { once: true });
  let tail: string[] = [];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split(/[\n\r]/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      tail = [...tail, line].slice(-40);
      const status = /^I: (.*?)\.*$/.exec(line)?.[1];
      if (status) o.onStatus(status);
    }
  });
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      o.signal.removeEventListener('abort', stop);
      if (code === 0) return resolve();
      if (o.signal.aborted) return reject(new SlipwayError('cancelled', 'cancelled', 'cancelled'));
      reject(failure(`mmdebstrap could not make ${recipe.name}`, tail));
    });
  });
  done.catch(() => {}); // the reader of the stream asks for it later
  return { stream: child.stdout, done };
}

/** A word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A small environment: what apt needs for its way to the packages, and nothing that changes the result. */
function makerEnvironment(o: RootfsOptions): NodeJS.ProcessEnv {
  return {
    ...o.environment,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: String(EPOCH_SECONDS),
    TMPDIR: o.work,
  };
}

/** Why a tool failed, from what it wrote: the first error is the cause of the others. */
export function failure(what: string, lines: readonly string[]): SlipwayError {
  const unreachable = lines.map((line) => /^E: Failed to fetch (?<uri>\S+)\s+(?<reason>.*)$/.exec(line)?.groups).find((found) => found);
  if (unreachable !== undefined) {
    const { uri = '', reason = '' } = unreachable;
    const host = URL.parse(uri)?.host || uri; // an address may hold a password
    return new SlipwayError('unavailable', 'bootstrap.unreachable', `Debian's packages cannot be fetched from ${host}: ${reason}`, {
      hints: [
        'a stand-in needs the network: apt-get update must work here (http_proxy and https_proxy count)',
        'without a network, bring an image from another machine: slipway save -o FILE NAME there, slipway load -i FILE here',
      ],
    });
  }
  const reason = lines.find((line) => line.startsWith('E: '))?.slice(3) ?? lines.at(-1) ?? 'it gave no reason';
  return new SlipwayError('process-failed', 'bootstrap.failed', `${what}: ${reason}`, {
    hints: ['check that apt-get update works on this machine, and that there is room for the files'],
  });
}

const ACCOUNTS = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nnogroup:x:65534:\n',
};

/** The tar of a root file system that holds busybox alone. */
export async function busyboxRootfs(o: RootfsOptions): Promise<Buffer> {
  o.onStatus('finding busybox');
  const program = await staticBusybox(o);
  const listed = await run(program, ['--list'], { signal: o.signal });
  const parts: Buffer[] = [];
  const base = { uid: 0, gid: 0, mtimeNs: BigInt(EPOCH_SECONDS) * 1_000_000_000n };
  const dir = (path: string, mode = 0o755): void => {
    parts.push(encodeHeader({ ...base, path: `${path}/`, type: 'dir', mode, size: 0 }));
  };
  const file = (path: string, data: Buffer, mode: number): void => {
    parts.push(encodeHeader({ ...base, path, type: 'file', mode, size: data.length }), data, padding(data.length));
  };
  for (const d of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'var', 'var/www']) dir(d);
  dir('tmp', 0o1777);
  file('bin/busybox', readFileSync(program), 0o755);
  for (const applet of listed.stdout
    .split('\n')
    .filter((a) => a && a !== 'busybox')
    .sort()) {
    parts.push(encodeHeader({ ...base, path: `bin/${applet}`, type: 'symlink', mode: 0o777, size: 0, link: 'busybox' }));
  }
  for (const [path, text] of Object.entries(ACCOUNTS)) file(path, Buffer.from(text), 0o644);
  parts.push(END_OF_ARCHIVE);
  return Buffer.concat(parts);
}

/** The machine's own static busybox, else the one in its Debian package, unpacked in the working folder. */
async function staticBusybox(o: RootfsOptions): Promise<string> {
  if (existsSync('/usr/share/doc/busybox-static') && existsSync('/bin/busybox')) return '/bin/busybox';
  const apt = requireTool('apt-get', 'apt');
  const unpack = requireTool('dpkg-deb', 'dpkg');
  o.onStatus('downloading busybox-static');
  const got = await run(apt, ['download', '-q', 'busybox-static'], { cwd: o.work, signal: o.signal });
  const deb = readdirSync(o.work).find((n) => n.endsWith('.deb'));
  if (got.exitCode !== 0 || !deb) {
    throw failure('apt could not download busybox-static', got.stderr.trim().split('\n'));
  }
  const to = join(o.work, 'busybox');
  mkdirSync(to);
  await run(unpack, ['-x', join(o.work, deb), to], { signal: o.signal });
  const program = ['bin/busybox', 'usr/bin/busybox'].map((p) => join(to, p)).find((p) => existsSync(p) && statSync(p).isFile());
  if (!program) throw new SlipwayError('data-loss', 'bootstrap.failed', 'the package busybox-static holds no busybox');
  const out = join(o.work, 'busybox.bin');
  copyFileSync(program, out);
  chmodSync(out, 0o755);
  return out;
}
