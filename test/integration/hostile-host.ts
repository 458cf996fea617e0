// A folder of the host, and what images, contexts and archives try in order to reach it: nothing of that folder may be read, written,
// removed or touched, whatever the stage, the context, the archive or the volume says.
import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import type { Member } from '../../src/archive/testing.ts';
import { buildClassic, buildGraph, copyTree } from '../../src/builder/index.ts';
import type { BuildEvent } from '../../src/builder/events.ts';
import type { BuildJob } from '../../src/builder/types.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { type BuildFixture, buildFixture, textOf } from './build-fixture.ts';

/** The folder, at a path that images can have too. What is in it says "of the host". */
export class HostileHost implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'slipway-host-'));
  readonly #untouched: string;

  constructor() {
    mkdirSync(join(this.path, 'dir/below'), { recursive: true });
    mkdirSync(join(this.path, 'empty'));
    writeFileSync(join(this.path, 'secret'), 'of the host', { mode: 0o600 });
    writeFileSync(join(this.path, 'passwd'), 'own:x:7:7:of the host:/:/bin/sh\n');
    writeFileSync(join(this.path, 'emptyfile'), '');
    writeFileSync(join(this.path, 'dir/file'), 'of the host');
    chmodSync(join(this.path, 'dir'), 0o750);
    // older than a day: the next access would change the time of the last one (mount(8), relatime)
    for (const path of [...NAMES].reverse()) utimesSync(join(this.path, path), 1e9, 1e9);
    this.#untouched = this.#state();
  }

  /** All that a look at the folder can tell, but for what looking changes. */
  #state(): string {
    // by name: listing a folder is an access
    return NAMES.map((path) => {
      const { mode, uid, gid, nlink, size, atimeMs, mtimeMs, ctimeMs } = lstatSync(join(this.path, path));
      return [path, mode, uid, gid, nlink, size, atimeMs, mtimeMs, ctimeMs].join(' ');
    }).join('\n');
  }

  assertUntouched(what: string): void {
    assert.equal(this.#state(), this.#untouched, `${what} touched the host`);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

const NAMES = ['.', 'dir', 'dir/below', 'dir/file', 'empty', 'secret', 'passwd', 'emptyfile'];

export interface Built {
  readonly error: string;
  readonly hints: string;
  readonly output: string;
  /** Contents of the result's files by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** Builds of one test file. Its hooks are set up here: a store, the host's folder, and an empty context for each test. */
export class HostileBuilds {
  #fixture: BuildFixture | undefined;
  #host: HostileHost | undefined;

  constructor() {
    before(() => {
      this.#fixture = buildFixture();
      this.#host = new HostileHost();
    });
    after(() => {
      this.f.dispose();
      this.#host?.[Symbol.dispose]();
    });
    beforeEach(() => {
      rmSync(this.f.context, { recursive: true });
      mkdirSync(this.f.context);
    });
  }

  get f(): BuildFixture {
    return this.#fixture ?? assert.fail('not before the tests begin');
  }

  get host(): string {
    return this.#host?.path ?? assert.fail('not before the tests begin');
  }

  assertUntouched(what: string): void {
    this.#host?.assertUntouched(what);
  }

  /** A build, after which nothing of the host is in its result, and the host is as before. */
  async build(dockerfile: string, o: Partial<BuildJob> = {}, engine: 'graph' | 'classic' = 'graph'): Promise<Built> {
    const { f } = this;
    const request = await f.request(dockerfile, o);
    let built: Built;
    try {
      const { image } = await (engine === 'graph' ? buildGraph(f.env, request) : buildClassic(f.env, request));
      const out = join(f.folder, 'out');
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      using lease = f.env.leases.create();
      if (image.layers.length > 0) await copyTree(f.env.layout, f.env.snapshots.view(await f.env.images.snapshot(image, lease)), out, 0);
      built = { error: '', hints: '', output: saidBy(request.events), files: filesOf(out) };
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      built = { error: e.message, hints: e.hints.join('\n'), output: saidBy(request.events), files: new Map() };
    }
    this.assertUntouched(dockerfile);
    for (const [path, text] of built.files) assert.doesNotMatch(text, /of the host/, `${dockerfile}: ${path}`);
    assert.doesNotMatch(built.output, /of the host/, dockerfile);
    return built;
  }

  /** A stage with links of all kinds to the host's folder, which it has too, with files of its own. */
  stage(): string {
    const { host } = this;
    return `FROM base AS evil
RUN mkdir -p ${host}/dir /in/deep && echo own > ${host}/secret && echo own > ${host}/dir/file \\
 && ln -s ${host} /lnk && ln -s ../../../../../../../../..${host} /in/deep/up && ln -s /lnk /chain && ln -s ${host}/secret /leaf \\
 && ln -s ${host}/dir /in/dir
`;
  }
}

/** What the events say in text, and what commands wrote. */
const saidBy = (events: readonly BuildEvent[]): string =>
  textOf(events) + events.map((e) => (e.type === 'log' ? Buffer.from(e.data).toString() : '')).join('');

/** Contents of the files below a folder by path, without programs. */
export function filesOf(root: string): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && !path.includes('/bin/')) files.set(relative(root, path), readFileSync(path, 'utf8'));
    }
  };
  walk(root);
  return files;
}

/** What archives try. */
export const hostileArchives = (host: string): Readonly<Record<string, Member[]>> => ({
  'dot-dot': [{ path: `../../../../../../../..${host}/new`, content: 'x' }],
  absolute: [{ path: `${host}/secret`, content: 'x' }],
  'through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/secret', content: 'x' },
    { path: 'l/new/', mode: 0o700 },
  ],
  'through a chain': [
    { path: 'a', type: 'symlink', link: 'b' },
    { path: 'b', type: 'symlink', link: 'c/..' },
    { path: 'c', type: 'symlink', link: `../../../../../..${host}/dir` },
    { path: 'a/secret', content: 'x' },
  ],
  'a hard link outside': [
    { path: 'h', type: 'link', link: `${host}/secret` },
    { path: 'h', content: 'x' },
  ],
  'a hard link through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'h', type: 'link', link: 'l/secret' },
  ],
  'a directory onto a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/', mode: 0o777, uid: 7 },
    { path: 'l/secret', content: 'x' },
  ],
  'whiteouts through a link': [
    { path: 'l', type: 'symlink', link: host },
    { path: 'l/.wh.secret' },
    { path: 'l/.wh..wh..opq' },
    { path: '.wh...', content: '' },
  ],
  'a device': [
    { path: 'd', type: 'char', major: 1, minor: 5 },
    { path: 'd', content: 'x' },
  ],
  'attributes of overlays': [
    {
      path: 'o/',
      xattrs: new Map([
        ['trusted.overlay.redirect', Buffer.from(host)],
        ['trusted.overlay.opaque', Buffer.from('y')],
      ]),
    },
    { path: 'o/f', content: 'x' },
  ],
});
