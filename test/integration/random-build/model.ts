// What a random Dockerfile means: a small interpreter of the language, and of a cache, that knows files as text and nothing of
// Slipway. Results of steps are kept by what the step says and reads; a step that is not kept runs, and sees this build's nonce.
import { sha256Hex } from '../../../src/util/index.ts';
import { posix } from 'node:path';
import type { File, Instruction, Mount, Source, Word } from './language.ts';

export interface Node {
  readonly dir: boolean;
  readonly content: string;
  readonly mode: number;
  readonly owner: string;
}
export type Files = ReadonlyMap<string, Node>;

export interface Asked {
  readonly file: File;
  readonly target: number;
  readonly style: 'graph' | 'classic';
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly noCache: boolean;
  /** Names of stages. */
  readonly noCacheFilter: readonly string[];
  /** What a step reads that is no part of its key. */
  readonly nonce: string;
  /** Without what is left out by .dockerignore. */
  readonly context: Files;
  /** The directory that is the named context `dirctx`. */
  readonly directory: Files;
  /** What is at the addresses of files by HTTP. */
  readonly served: readonly string[];
  /** Stages that a directory of the same name stands for. */
  readonly replaced: ReadonlySet<number>;
}

/** What an image holds: its files, and the variables and the folder of its commands. */
export interface Built {
  readonly files: Files;
  readonly env: readonly string[];
  readonly workdir: string;
}

interface Result {
  readonly id: number;
  readonly files: Files;
}

interface State {
  result: Result;
  chain: string;
  env: Map<string, string>;
  args: Map<string, string | undefined>;
  /** What a word or a command sees. */
  seen: Map<string, string>;
  workdir: string;
  triggers: Instruction[];
}

interface Cache {
  readonly owner: string;
  readonly mode: number;
  readonly seeded: readonly string[];
  log: string;
}

const ROOT: Result = { id: 0, files: new Map() };
const split = (path: string): string => path.replace(/^\/+/, '');
const directory = (owner = '0:0', mode = 0o755): Node => ({ dir: true, content: '', mode, owner });

export class Model {
  readonly #kept = new Map<string, { below: number; result: Result }>();
  readonly #caches = new Map<string, Cache>();
  #serial = 1;
  /** Commands that the last build ran. */
  ran = 0;

  /** Nothing is kept any more: neither results nor cache mounts. */
  forget(): void {
    this.#kept.clear();
    this.#caches.clear();
  }

  /** The target, or undefined where the build is refused. */
  build(asked: Asked): Built | undefined {
    this.ran = 0;
    const globals = globalScope(asked);
    // the original engine looks at what it builds alone
    const seen = asked.style === 'graph' ? asked.file.stages : asked.file.stages.slice(0, asked.target + 1);
    if (seen.some((s) => s.platform === '$NOPE' || (s.base.kind === 'image' && !isImage(expand(s.base.word, (n) => globals.get(n))))))
      return undefined;
    const done = new Map<number, State>();
    const again = new Map<string, Result>();
    const state = (n: number): State => {
      const known = done.get(n);
      if (known) return known;
      const made = this.#stage(asked, n, globals, state, again);
      done.set(n, made);
      return made;
    };
    if (asked.style === 'classic') for (let n = 0; n < asked.target; n++) state(n);
    const { result, env, workdir } = state(asked.target);
    return { files: result.files, env: [...env].map(([name, value]) => `${name}=${value}`), workdir };
  }

  #stage(asked: Asked, n: number, globals: ReadonlyMap<string, string>, stage: (n: number) => State, again: Map<string, Result>): State {
    const { base, instructions, name } = asked.file.stages[n]!;
    const fresh = (chain: string, result = ROOT): State => ({
      result,
      chain,
      env: new Map(),
      args: new Map(),
      seen: new Map(),
      workdir: '/',
      triggers: [],
    });
    const uncached = asked.noCache || asked.noCacheFilter.includes(name);
    const step = (s: State, key: unknown, run: (files: Map<string, Node>) => void, command = false): void => {
      s.chain = longer(s.chain, key);
      const kept = this.#kept.get(s.chain);
      const now = again.get(s.chain);
      if (now !== undefined) return void (s.result = now);
      if (!uncached && kept?.below === s.result.id) return void (s.result = kept.result);
      const files = new Map(s.result.files);
      run(files);
      if (command) this.ran++;
      const result = { id: this.#serial++, files };
      this.#kept.set(s.chain, { below: s.result.id, result });
      again.set(s.chain, result);
      s.result = result;
    };
    const ofDirectory = (): State => {
      const s = fresh('scratch');
      step(s, ['directory', [...asked.directory]], (files) => {
        for (const [path, node] of asked.directory) files.set(path, node);
      });
      return s;
    };
    if (asked.replaced.has(n)) return ofDirectory();
    let s: State;
    if (base.kind === 'stage') {
      const below = stage(base.stage);
      const args = new Map(asked.style === 'classic' ? [] : below.args);
      const seen = new Map(asked.style === 'classic' ? below.env : [...below.seen, ...below.env]);
      s = { ...below, env: new Map(below.env), args, seen, triggers: [] };
      for (const trigger of below.triggers) this.#apply(asked, s, trigger, globals, stage, step);
    } else if (base.kind === 'dirctx') s = ofDirectory();
    else s = fresh(base.kind);
    for (const i of instructions) this.#apply(asked, s, i, globals, stage, step);
    return s;
  }

  #apply(
    asked: Asked,
    s: State,
    i: Instruction,
    globals: ReadonlyMap<string, string>,
    stage: (n: number) => State,
    step: (s: State, key: unknown, run: (files: Map<string, Node>) => void, command?: boolean) => void,
  ): void {
    const seen = (name: string): string | undefined => s.seen.get(name);
    // in the order in which they were declared first
    const variables = (): unknown =>
      [...new Set([...s.env.keys(), ...s.args.keys()])].map((k) => [k, seen(k)]).filter(([, value]) => value !== undefined);
    const run = (does: (files: Map<string, Node>) => void, ...reads: unknown[]): void =>
      step(s, [i, variables(), s.workdir, legacyArguments(), ...reads], does, true);
    // the original engine tells a command with arguments from one without, be they proxies, which do not count themselves
    const legacyArguments = (): boolean =>
      asked.style === 'classic' &&
      (asked.buildArgs['HTTP_PROXY'] !== undefined || [...s.args].some(([name, value]) => value !== undefined && !s.env.has(name)));
    // to the original engine, an instruction that changes no file is an image as well, and what follows stands on that
    const noted = (key: unknown): void => {
      if (asked.style === 'classic') s.chain = longer(s.chain, key);
    };
    const put = (files: Map<string, Node>, to: string, content: string): void =>
      void files.set(to, { dir: false, content, mode: files.get(to)?.mode ?? 0o644, owner: '0:0' });
    switch (i.kind) {
      case 'arg': {
        // to the original engine all of one instruction see what was before it
        const known = asked.style === 'classic' ? new Map(s.seen) : s.seen;
        noted(['arg', i.entries.map((a) => [a.name, a.value && expand(a.value, (name) => known.get(name))])]);
        for (const a of i.entries) {
          const value =
            asked.buildArgs[a.name] ??
            (a.value ? expand(a.value, (name) => known.get(name)) : (globals.get(a.name) ?? platformArgument(asked, a.name)));
          // to the original engine an argument that is declared again without a value has none
          if (value !== undefined || asked.style === 'classic' || !s.args.has(a.name)) s.args.set(a.name, value);
          // and a variable is always more than an argument
          if (asked.style === 'classic' && s.env.has(a.name)) continue;
          if (value !== undefined) s.seen.set(a.name, value);
          else if (asked.style === 'classic') s.seen.delete(a.name);
        }
        return;
      }
      case 'env': {
        // all of one instruction see what was before it
        const values = i.entries.map((e) => [e.name, expand(e.value ?? [], seen)] as const);
        noted(['env', values]);
        for (const [name, value] of values) {
          s.env.set(name, value);
          s.seen.set(name, value);
        }
        return;
      }
      case 'echo': {
        const value = (name: string): string => seen(name) ?? (name === 'HTTP_PROXY' ? (asked.buildArgs[name] ?? '') : '');
        return run((files) => put(files, i.to, `${i.names.map((name) => `[${value(name)}]`).join('')}\n`));
      }
      case 'join':
        return run((files) => {
          const names = [...files.keys()].filter((p) => /^o[^/]*$/.test(p) && !files.get(p)!.dir).sort();
          files.set(i.to, { dir: false, content: names.map((p) => files.get(p)!.content).join(''), mode: 0o644, owner: '0:0' });
        });
      case 'remove':
        return run((files) => {
          for (const path of files.keys()) if (path === i.what || path.startsWith(`${i.what}/`)) files.delete(path);
        });
      case 'mount':
        return this.#mounted(asked, i, run, put, stage);
      case 'write': {
        const content = `${i.raw ? asWritten(i.text) : expand(i.text, seen)}\n`;
        return step(s, ['write', i.to, content], (files) => files.set(i.to, { dir: false, content, mode: 0o644, owner: '0:0' }));
      }
      case 'fetch': {
        const content = asked.served[i.file]!;
        return step(s, ['fetch', i.to, content], (files) => files.set(i.to, { dir: false, content, mode: 0o600, owner: '0:0' }));
      }
      case 'copy': {
        const to = posix.resolve(s.workdir, expand(i.to, seen));
        const slash = expand(i.to, seen).endsWith('/');
        const from = sourceFiles(asked, i.source, stage);
        const picked = pick(from, i, slash);
        return step(s, ['copy', i.flags, to, slash, picked], (files) => {
          const owner = flag(i.flags, '--chown=');
          mkdirs(files, slash || picked.some(([p]) => p.includes('/')) ? split(to) : posix.dirname(split(to)), owner);
          for (const [path, node] of picked) {
            const at = path === '' ? split(to) : posix.join(split(to), path);
            mkdirs(files, posix.dirname(at), owner);
            files.set(at, node);
          }
        });
      }
      case 'workdir': {
        s.workdir = posix.resolve(s.workdir, expand(i.path, seen));
        noted(['workdir', s.workdir]);
        if (s.result.files.get(split(s.workdir))?.dir || s.workdir === '/') return;
        return step(s, ['workdir', s.workdir], (files) => mkdirs(files, split(s.workdir)));
      }
      case 'onbuild':
        noted(['onbuild', i.trigger]);
        return void s.triggers.push(i.trigger);
    }
  }

  #mounted(
    asked: Asked,
    { mount, to }: { readonly mount: Mount; readonly to: string },
    run: (does: (files: Map<string, Node>) => void, ...reads: unknown[]) => void,
    put: (files: Map<string, Node>, to: string, content: string) => void,
    stage: (n: number) => State,
  ): void {
    switch (mount.type) {
      case 'secret':
        return run((files) => put(files, to, `${asked.nonce}\n`));
      case 'tmpfs':
        return run((files) => put(files, to, 'x\n'));
      case 'bind': {
        const from = mount.from === 'context' ? asked.context : mount.from === 'dirctx' ? asked.directory : stage(mount.from).result.files;
        const node = from.get(split(mount.path));
        return run((files) => put(files, to, node?.content ?? ''), node);
      }
      case 'cache': {
        const seed = mount.from === undefined ? undefined : stage(mount.from).result;
        const identity = JSON.stringify([mount.id, mount.owner, seed?.id]);
        return run(
          (files) => {
            let cache = this.#caches.get(identity);
            if (cache === undefined) {
              const own = /uid=(\d+),gid=(\d+),mode=0?(\d+)/.exec(mount.owner ?? '');
              cache = {
                owner: own ? `${own[1]}:${own[2]}` : '0:0',
                mode: own ? Number.parseInt(own[3]!, 8) : 0o755,
                seeded: own ? [] : [...(seed?.files.keys() ?? [])].filter((p) => /^o[^/]*$/.test(p)),
                log: '',
              };
              this.#caches.set(identity, cache);
            }
            cache.log += `${to}\n`;
            const names = cache.seeded.toSorted().map((name) => `${name}\n`);
            put(files, to, `${cache.owner} ${cache.mode.toString(8)}\n${names.join('')}${cache.log}`);
          },
          seed && [...seed.files],
        );
      }
    }
  }
}

/** The chain of a step upon another. */
const longer = (chain: string, key: unknown): string => sha256Hex(JSON.stringify([chain, key]));

function platformArgument({ architecture, style }: Asked, name: string): string | undefined {
  if (style === 'classic') return undefined;
  return {
    TARGETARCH: architecture,
    TARGETOS: 'linux',
    TARGETPLATFORM: `linux/${architecture}`,
    BUILDPLATFORM: 'linux/amd64',
    BUILDARCH: 'amd64',
  }[name];
}

/** Arguments before the first FROM. */
function globalScope(asked: Asked): Map<string, string> {
  const values = new Map<string, string>();
  for (const a of asked.file.globals) {
    const value = asked.buildArgs[a.name] ?? (a.value && expand(a.value, (n) => values.get(n) ?? platformArgument(asked, n)));
    if (value !== undefined) values.set(a.name, value);
  }
  return values;
}

const isImage = (name: string): boolean => ['base', 'base:latest', 'docker.io/library/base', 'alias'].includes(name);

function expand(word: Word, value: (name: string) => string | undefined): string {
  return word
    .map((part) => {
      if (typeof part === 'string') return part;
      const found = value(part.name) ?? '';
      if (part.form === 'default') return found === '' ? 'none' : found;
      if (part.form === 'alternative') return found === '' ? '' : 'some';
      return found;
    })
    .join('');
}

const asWritten = (word: Word): string =>
  word
    .map((part) => {
      if (typeof part === 'string') return part;
      return {
        plain: `$${part.name}`,
        brace: `\${${part.name}}`,
        default: `\${${part.name}:-none}`,
        alternative: `\${${part.name}:+some}`,
      }[part.form];
    })
    .join('');

const flag = (flags: readonly string[], name: string): string | undefined => flags.find((f) => f.startsWith(name))?.slice(name.length);

function mkdirs(files: Map<string, Node>, path: string, owner?: string): void {
  if (path === '' || path === '.') return;
  mkdirs(files, posix.dirname(path), owner);
  if (!files.get(path)?.dir) files.set(path, directory(owner));
}

function sourceFiles(asked: Asked, source: Source, stage: (n: number) => State): Files {
  if (source.kind === 'context') return asked.context;
  return source.kind === 'named' ? asked.directory : stage(source.stage).result.files;
}

/** What a COPY takes: paths below its destination, '' being the destination itself. */
function pick(from: Files, i: Extract<Instruction, { kind: 'copy' }>, slash: boolean): [string, Node][] {
  const { source, flags } = i;
  const owner = flag(flags, '--chown=') ?? (source.kind === 'stage' ? undefined : '0:0');
  const chmod = flag(flags, '--chmod=');
  const exclude = flag(flags, '--exclude=');
  const parents = flags.includes('--parents');
  const changed = (node: Node): Node => ({
    ...node,
    owner: owner ?? node.owner,
    mode: chmod === undefined ? node.mode : Number.parseInt(chmod, 8),
  });
  const left = (path: string): boolean => exclude !== undefined && (path === exclude || path.startsWith(`${exclude}/`));
  const picked: [string, Node][] = [];
  for (const written of source.paths.map(split)) {
    const matches = [...from.keys()].filter((p) =>
      written.endsWith('*') ? p.startsWith(written.slice(0, -1)) && !p.slice(written.length - 1).includes('/') : p === written,
    );
    for (const top of matches) {
      const node = from.get(top)!;
      if (!node.dir) {
        if (left(top)) continue;
        const name = parents ? top : posix.basename(top);
        picked.push([slash || parents || source.paths.length > 1 ? name : '', changed(node)]);
        continue;
      }
      const kept = [...from].filter(([p]) => p.startsWith(`${top}/`) && !left(p.slice(top.length + 1)));
      for (const [path, below] of kept) picked.push([parents ? path : path.slice(top.length + 1), changed(below)]);
      if (parents) picked.push([top, changed(node)]);
    }
  }
  return picked.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
