// Builds what a random request asks for with the real engines, on a store of its own.
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Plan } from '../../../src/builder/index.ts';
import { type Caller, type Delivery, Engine, PathSession, perform, pruneBuilder } from '../../../src/engine/index.ts';
import { loadArchive, saveImage } from '../../../src/image/index.ts';
import { formatPlatform, parsePlatform } from '../../../src/model/index.ts';
import { sha256Hex } from '../../../src/util/index.ts';
import { withMounted } from '../../../src/snapshot/index.ts';
import { enterPrivateMountNamespace, removeTree } from '../../../src/sys/index.ts';
import { BASE, makeBase } from '../build-fixture.ts';
import { buildRequest, delivery } from '../../support/requests.ts';
import { dockerfile } from './language.ts';
import type { Asked, Built, Files, Node } from './model.ts';

/** What is asked of a model, and what the model need not know. */
export interface Order extends Asked {
  /** With what .dockerignore leaves out. */
  readonly whole: Files;
  readonly ignore: readonly string[];
  /** More than one platform in one build; `architecture` is then the last. */
  readonly architectures?: readonly string[];
  readonly caches?: Delivery['caches'];
  /** Where the images go, as a layout. */
  readonly layout?: string;
}

export interface Answer extends Built {
  readonly ran: number;
  /** Those of the stage that was asked for. */
  readonly ranLast: number;
  /** How many commands the plan of the build says to run: at least, and at most. */
  readonly planned?: readonly [least: number, most: number];
}

export class Machine {
  readonly folder: string;
  readonly engine: Engine;
  readonly #server: Server;
  #served: readonly string[] = [];

  static async open(folder: string): Promise<Machine> {
    const machine = new Machine(folder);
    machine.#server.listen(0, '127.0.0.1');
    await once(machine.#server, 'listening');
    return machine;
  }

  private constructor(folder: string) {
    enterPrivateMountNamespace();
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.engine = Engine.open({ root: join(folder, 'root'), run: join(folder, 'run'), selfCommand: ['true'] });
    makeBase(this.engine);
    // one says by a tag which version it has, one by a time, one not at all
    this.#server = createServer((request, response) => {
      const n = Number(request.url?.slice(1));
      const content = this.#served[n] ?? '';
      const tag = `"${sha256Hex(content)}"`;
      if (n === 0) response.setHeader('etag', tag);
      if (n === 1) response.setHeader('last-modified', 'Thu, 26 Nov 2026 00:00:00 GMT');
      const same = n === 0 && request.headers['if-none-match'] === tag;
      response.writeHead(same ? 304 : 200).end(same ? undefined : content);
    });
  }

  /** The address of the files by HTTP. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Drops all that builds have kept. */
  forget(): void {
    pruneBuilder(this.engine, { all: true });
  }

  /** Another base image with the same files: nothing that was built on it before is met again. */
  begin(seed: number): void {
    const { images, leases } = this.engine;
    const { config, layers } = images.resolve(BASE);
    using lease = leases.create();
    images.create(
      { config: { ...config, config: { ...config.config, Env: ['PATH=/bin', `SEED=${seed}`] } }, layers, names: [BASE] },
      lease,
    );
  }

  [Symbol.dispose](): void {
    this.engine.close();
    this.#server.close();
    this.#server.closeAllConnections();
    removeTree(this.folder);
  }

  /** Gives another machine the base image of this one. */
  async lend(to: Machine): Promise<void> {
    const path = join(this.folder, 'base.tar');
    await saveImage(this.engine.images, this.engine.images.resolve(BASE), [BASE], path, { format: 'oci' });
    await loadArchive(to.engine.images, path);
  }

  async build(order: Order): Promise<Answer> {
    const { engine } = this;
    const abort = new AbortController();
    const running = new Set<string>();
    let ran = 0;
    let ranLast = 0;
    const last = order.file.stages[order.target]!.name;
    this.#served = order.served;
    lay(join(this.folder, 'context'), order.whole, order.ignore);
    lay(join(this.folder, 'dirctx'), order.directory);
    const directory = { kind: 'folder', name: 'dirctx', written: 'dirctx' } as const;
    const out = join(this.folder, 'out');
    const session = new PathSession({
      secrets: new Map([['n', { kind: 'value', data: Buffer.from(`${order.nonce}\n`) }]]),
      locals: new Map([
        ['context', join(this.folder, 'context')],
        ['dirctx', join(this.folder, 'dirctx')],
      ]),
      outputs: new Map([['out', order.layout ?? out]]),
    });
    const request = buildRequest({
      engine: order.style,
      context: { kind: 'folder', name: 'context', written: 'context' },
      dockerfile: { kind: 'text', text: dockerfile(order.file, this.address) },
      target: last,
      buildArgs: order.buildArgs,
      identity: this.folder,
      name: 'random',
      noCache: order.noCache,
      noCacheFilter: order.noCacheFilter,
      platform: parsePlatform(`linux/${order.architecture}`),
      secrets: ['n'],
      namedContexts:
        order.style === 'graph'
          ? {
              dirctx: directory,
              alias: { kind: 'image', ref: BASE },
              ...Object.fromEntries([...order.replaced].map((n) => [order.file.stages[n]!.name, directory])),
            }
          : {},
    });
    const caller: Caller = {
      session,
      signal: abort.signal,
      onEvent: (e) => {
        if (e.type === 'vertex' && e.state === 'started' && / RUN /.test(e.name)) running.add(e.id);
        if (e.type === 'vertex' && e.state === 'done' && running.delete(e.id)) {
          ran++;
          if (e.name.includes(`[${last} `)) ranLast++;
        }
      },
    };
    const platforms = (order.architectures ?? []).map((a) => parsePlatform(`linux/${a}`));
    rmSync(out, { recursive: true, force: true });
    const wanted = delivery({
      outputs: [
        order.layout === undefined
          ? { kind: 'local', dest: 'out', files: { split: true, attestationPrefix: '' } }
          : { kind: 'layout', dest: 'out', names: ['image:latest'], form: { force: false, dockerTypes: false, annotations: [] } },
      ],
      platforms,
      ...(order.caches && { caches: order.caches }),
    });
    {
      if (platforms.length > 0) {
        await perform(engine, { kind: 'build', request, delivery: wanted }, caller);
        const files = order.layout === undefined ? readTree(join(out, formatPlatform(platforms.at(-1)!).replaceAll('/', '_'))) : new Map();
        return { files, env: [], workdir: '', ran, ranLast };
      }
      using lease = engine.leases.create();
      const plan =
        order.style === 'graph'
          ? await perform(engine, { kind: 'plan', request, ...(order.caches && { caches: order.caches }) }, caller)
          : undefined;
      const { imageId } = await perform(engine, { kind: 'build', request, delivery: { ...wanted, outputs: [] } }, caller);
      const image = engine.images.get(imageId);
      const { Env = [], WorkingDir = '' } = image.config.config ?? {};
      const files =
        image.layers.length === 0
          ? new Map()
          : withMounted(engine.layout, engine.snapshots.view(await engine.images.snapshot(image, lease)), readTree);
      return {
        files,
        env: (Env ?? []).filter((e) => !/^(PATH|SEED)=/.test(e)),
        workdir: WorkingDir || '/',
        ran,
        ranLast,
        ...(plan && { planned: bounds(plan) }),
      };
    }
  }
}

/** Commands that certainly run, and those that may. */
function bounds({ steps }: Plan): [number, number] {
  const commands = steps.filter((s) => / RUN /.test(s.name));
  const least = commands.filter((s) => s.fate === 'run').length;
  return [least, least + commands.filter((s) => s.fate === 'maybe').length];
}

/** Writes a folder, and nothing else into it. */
function lay(folder: string, files: Files, ignore?: readonly string[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, node] of files) {
    const at = join(folder, path);
    if (node.dir) mkdirSync(at, { recursive: true });
    else {
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, node.content);
    }
    chmodSync(at, node.mode);
  }
  if (ignore !== undefined) writeFileSync(join(folder, '.dockerignore'), `${ignore.join('\n')}\n`);
}

/** What steps have made: of the base image, the names that they never use. */
const BASES = new Set([
  'bin',
  'dev',
  'etc',
  'proc',
  'sys',
  'tmp',
  'run',
  'home',
  'lib',
  'lib64',
  'root',
  'usr',
  'var',
  '.dockerignore',
  '.dockerenv',
]);

function readTree(root: string): Files {
  const files = new Map<string, Node>();
  const walk = (folder: string, prefix: string): void => {
    for (const name of readdirSync(folder).sort()) {
      if (prefix === '' && BASES.has(name)) continue;
      const at = join(folder, name);
      const stat = lstatSync(at);
      const dir = stat.isDirectory();
      files.set(prefix + name, {
        dir,
        content: dir ? '' : readFileSync(at, 'utf8'),
        mode: stat.mode & 0o7777,
        owner: `${stat.uid}:${stat.gid}`,
      });
      if (dir) walk(at, `${prefix}${name}/`);
    }
  };
  walk(root, '');
  return files;
}
