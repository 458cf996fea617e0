// From nodes of the graph to an LLB definition, for builders elsewhere.
import { create, toBinary } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import type { ExecMount, ExecOp, FileAction, Node } from '../../graph/index.ts';
import { topological } from '../../graph/index.ts';
import { CacheSharingOpt, MountType, NetMode, type Op, OpSchema, SecurityMode } from '../gen/ops_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import type { Llb } from './definition.ts';

type Init = NonNullable<Parameters<typeof create<typeof OpSchema>>[1]>;
type Input = { digest: string; index: bigint };
type Parts = Record<string, unknown>;

export interface EncodeOptions {
  /** What an image is called where it is brought from. */
  image(identifier: string): string;
  /** The address that `git fetch` takes of a repository that a step names. */
  repository(identifier: string): string;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

const unsupported = (message: string): GrpcError => new GrpcError(Code.unimplemented, `${message} cannot be done by a builder elsewhere`);

/** @throws GrpcError for what LLB cannot say */
export function definitionOf(target: Node, o: EncodeOptions): Llb {
  const e = new Encoder(o, foldersRead(target));
  const { digest, index } = e.refOf(target);
  e.add({ inputs: [{ digest, index }] as never });
  return { def: e.def, names: e.names, noCache: e.noCache };
}

/** The paths that are read of each source; `undefined` for all. */
function foldersRead(target: Node): ReadonlyMap<Node, ReadonlySet<string> | undefined> {
  const read = new Map<Node, Set<string> | undefined>();
  const note = (node: Node | undefined, paths: readonly string[]): void => {
    if (node?.op.kind !== 'source' || (read.has(node) && read.get(node) === undefined)) return;
    const words = paths.map((p) => p.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, ''));
    if (words.some((w) => w === '' || w === '.' || w.startsWith('..'))) return void read.set(node, undefined);
    const all = read.get(node) ?? new Set<string>();
    for (const w of words) all.add(w);
    read.set(node, all);
  };
  for (const { op, inputs } of topological([target])) {
    if (op.kind === 'file') for (const a of op.actions) if (a.action === 'copy' && a.input >= 0) note(inputs[a.input], a.sources);
    if (op.kind === 'exec') for (const m of op.mounts) if (m.input >= 0) note(inputs[m.input], [m.selector ?? '/']);
  }
  return read;
}

class Encoder {
  readonly def: Uint8Array[] = [];
  readonly names: Record<string, string> = {};
  readonly noCache: string[] = [];
  readonly #o: EncodeOptions;
  readonly #read: ReadonlyMap<Node, ReadonlySet<string> | undefined>;
  readonly #refs = new Map<Node, Input | undefined>();

  constructor(o: EncodeOptions, read: ReadonlyMap<Node, ReadonlySet<string> | undefined>) {
    this.#o = o;
    this.#read = read;
  }

  /** Adds an operation. @returns what others call its output by */
  add(op: Init): Input {
    const bytes = toBinary(OpSchema, create(OpSchema, op));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.def.push(bytes);
    return { digest, index: 0n };
  }

  /** The result, which an empty file system cannot be. */
  refOf(target: Node): Input {
    for (const node of topological([target])) this.#refs.set(node, this.#encode(node));
    return (
      this.#refs.get(target) ??
      this.#file(
        [],
        [
          {
            input: -1n,
            secondaryInput: -1n,
            output: 0n,
            action: { case: 'mkdir', value: { path: '/', mode: 0o755, makeParents: true, timestamp: -1n } },
          },
        ],
      )
    );
  }

  #encode(node: Node): Input | undefined {
    const { op } = node;
    const ref = ((): Input | undefined => {
      switch (op.kind) {
        case 'source':
          return op.identifier === 'scratch' ? undefined : this.#source(node);
        case 'file':
          return this.#files(node, op.actions);
        case 'exec':
          if (op.output !== undefined || op.root !== undefined) throw unsupported('a program with several outputs');
          return this.#exec(node, op);
        case 'merge':
          return this.#merge(node);
        case 'diff':
          return this.#diff(node);
        default:
          throw unsupported((op satisfies never as Node['op']).kind);
      }
    })();
    if (ref) {
      this.names[ref.digest] = node.meta.name;
      if (node.meta.noCache) this.noCache.push(ref.digest);
    }
    return ref;
  }

  /** Nothing is laid on nothing: what is empty is left out. */
  #merge(node: Node): Input | undefined {
    const inputs = node.inputs.flatMap((n) => this.#refs.get(n) ?? []);
    if (inputs.length < 2) return inputs[0];
    return this.add({
      inputs: inputs as never,
      op: { case: 'merge', value: { inputs: inputs.map((_, i) => ({ input: BigInt(i) })) } as never },
    });
  }

  #diff(node: Node): Input | undefined {
    const [lower, upper] = node.inputs.map((n) => this.#refs.get(n));
    if (lower === undefined) return upper;
    const inputs = upper === undefined ? [lower] : [lower, upper];
    return this.add({
      inputs: inputs as never,
      op: { case: 'diff', value: { lower: { input: 0n }, upper: { input: upper === undefined ? -1n : 1n } } as never },
    });
  }

  #source(node: Node): Input {
    const { op } = node;
    if (op.kind !== 'source') throw unsupported(op.kind);
    const { http, git } = op;
    const attrs: Record<string, string> = {};
    let { identifier } = op;
    if (git) {
      const remote = this.#o.repository(identifier);
      // who answers there is known to the hosts of this machine alone
      if (!/^(?:https?|git):\/\//.test(remote)) throw unsupported('a Git repository by ssh');
      if (!git.submodules) throw unsupported('a Git repository without its submodules');
      identifier = `git://${remote.replace(/^(?:https?|git):\/\/(?:[^/@]*@)?/, '')}#${git.commit}${git.folder === '' ? '' : `:${git.folder}`}`;
      attrs['git.fullurl'] = remote;
      attrs['git.authtokensecret'] = 'GIT_AUTH_TOKEN';
      attrs['git.authheadersecret'] = 'GIT_AUTH_HEADER';
      if (git.keepGitDir) attrs['git.keepgitdir'] = 'true';
    } else if (http) {
      attrs['http.filename'] = http.name;
      if (http.checksum !== undefined) attrs['http.checksum'] = http.checksum;
    } else if (identifier.startsWith('local://')) {
      const paths = this.#read.get(node);
      if (paths) attrs['local.includepattern'] = JSON.stringify([...paths].sort());
      attrs['local.sharedkeyhint'] = identifier;
    }
    const { os: OS, architecture: Architecture, variant: Variant = '' } = this.#o.platform;
    return this.add({
      op: {
        case: 'source',
        value: { identifier: identifier.startsWith('docker-image://') ? this.#o.image(identifier) : identifier, attrs } as never,
      },
      platform: { OS, Architecture, Variant } as never,
    });
  }

  /** Each action is an operation input of the next. */
  #files(node: Node, actions: readonly FileAction[]): Input {
    const inputs: Input[] = [];
    const index = (ref: Input | undefined): bigint => {
      if (ref === undefined) return -1n;
      const known = inputs.findIndex((i) => i.digest === ref.digest && i.index === ref.index);
      return BigInt(known >= 0 ? known : inputs.push(ref) - 1);
    };
    const made: { value: Parts; secondary: bigint }[] = [];
    const base = index(this.#refs.get(node.inputs[0] as Node));
    for (const a of actions)
      for (const one of this.#actionParts(
        a,
        (i) => index(this.#refs.get(node.inputs[i] as Node)),
        (ref) => index(ref),
        base,
      ))
        made.push(one);
    // outputs of actions count behind the inputs, of which all are known now
    const list = made.map(({ value, secondary }, i) => ({
      input: i === 0 ? base : BigInt(inputs.length + i - 1),
      secondaryInput: secondary,
      output: i === made.length - 1 ? 0n : -1n,
      action: value,
    }));
    return this.#file(inputs, list);
  }

  #file(inputs: readonly Input[], actions: readonly Parts[]): Input {
    return this.add({ inputs: inputs as never, op: { case: 'file', value: { actions } as never } });
  }

  *#actionParts(
    a: FileAction,
    input: (i: number) => bigint,
    extra: (ref: Input) => bigint,
    base: bigint,
  ): Generator<{ value: Parts; secondary: bigint }> {
    const part = (value: Parts, secondary = -1n) => ({ value, secondary });
    const timestamp = (time: number | undefined): bigint => (time === undefined ? -1n : BigInt(Math.round(time * 1e9)));
    switch (a.action) {
      case 'mkdir':
        yield part({
          case: 'mkdir',
          value: {
            path: a.path,
            mode: a.mode ?? 0o755,
            makeParents: a.parents !== false,
            timestamp: timestamp(a.time),
            owner: ownerOf(a.user, base),
          },
        });
        return;
      case 'mkfile':
        yield part({
          case: 'mkfile',
          value: {
            path: a.path,
            mode: a.mode,
            data: Buffer.from(a.data, 'base64'),
            timestamp: timestamp(a.time),
            owner: ownerOf(a.owner, base),
          },
        });
        return;
      case 'symlink':
        yield part({
          case: 'symlink',
          value: { oldpath: a.target, newpath: a.path, timestamp: timestamp(a.time), owner: ownerOf(a.owner, base) },
        });
        return;
      case 'rm':
        yield part({ case: 'rm', value: { path: a.path, allowWildcard: a.wildcard, allowNotFound: a.allowNotFound } });
        return;
      case 'copy': {
        if (a.parents) throw unsupported('COPY --parents');
        const dest = a.destination.startsWith('/') ? a.destination : `${a.workdir.replace(/\/$/, '')}/${a.destination}`;
        const common = {
          dest: /(?:^|\/)\.$/.test(dest) ? `${dest}/` : dest,
          followSymlink: true,
          dirCopyContents: true,
          createDestPath: true,
          allowEmptyWildcard: true,
          timestamp: -1n,
          excludePatterns: a.excludes,
          alwaysReplaceExistingDestPaths: a.link,
          attemptUnpackDockerCompatibility: a.instruction === 'ADD' && a.unpack !== false,
          mode: a.chmod !== undefined && /^[0-7]+$/.test(a.chmod) ? Number.parseInt(a.chmod, 8) : -1,
          modeStr: a.chmod !== undefined && !/^[0-7]+$/.test(a.chmod) ? a.chmod : '',
          owner: ownerOf(a.chown ?? (a.from === 'context' ? '0:0' : ''), base),
        };
        for (const source of a.sources)
          yield part(
            { case: 'copy', value: { ...common, src: `/${source.replace(/^(?:\.?\/)+/, '')}`, allowWildcard: true } },
            input(a.input),
          );
        for (const { name, data } of a.files) {
          const file = this.#file(
            [],
            [
              {
                input: -1n,
                secondaryInput: -1n,
                output: 0n,
                action: { case: 'mkfile', value: { path: `/${name}`, mode: 0o644, data: Buffer.from(data), timestamp: -1n } },
              },
            ],
          );
          yield part(
            { case: 'copy', value: { ...common, src: `/${name}`, allowWildcard: false, owner: ownerOf(a.chown ?? '0:0', base) } },
            extra(file),
          );
        }
        return;
      }
      default:
        throw unsupported((a satisfies never as FileAction).action);
    }
  }

  #exec(node: Node, op: ExecOp): Input {
    const inputs: Input[] = [];
    const index = (ref: Input | undefined): bigint => {
      if (ref === undefined) return -1n;
      const known = inputs.findIndex((i) => i.digest === ref.digest && i.index === ref.index);
      return BigInt(known >= 0 ? known : inputs.push(ref) - 1);
    };
    const of = (i: number): bigint => (i < 0 ? -1n : index(this.#refs.get(node.inputs[i] as Node)));
    const mounts: Parts[] = [{ input: of(0), dest: '/', output: 0n, mountType: MountType.BIND }];
    for (const m of op.mounts) if (m.type !== 'secret' || m.target !== undefined) mounts.push(mountParts(m, of(m.input)));
    if (op.script) {
      const file = this.#file(
        [],
        [
          {
            input: -1n,
            secondaryInput: -1n,
            output: 0n,
            action: { case: 'mkfile', value: { path: '/script', mode: 0o755, data: Buffer.from(op.script.content), timestamp: -1n } },
          },
        ],
      );
      mounts.push({
        input: index(file),
        selector: '/script',
        dest: op.script.path,
        output: -1n,
        readonly: true,
        mountType: MountType.BIND,
      });
    }
    const hidden = Object.fromEntries(
      (node.meta.hiddenEnv ?? []).map((e) => [e.slice(0, e.indexOf('=')).toLowerCase(), e.slice(e.indexOf('=') + 1)]),
    );
    const meta = {
      args: op.args,
      env: op.env,
      cwd: op.cwd,
      user: op.user,
      extraHosts: op.addHosts.map((h) => ({ Host: h.slice(0, h.indexOf(':')), IP: h.slice(h.indexOf(':') + 1) })),
      hostname: op.hostname ?? '',
      ulimit: op.ulimits.map((u) => ({ Name: u.name, Soft: BigInt(u.soft), Hard: BigInt(u.hard) })),
      ...(Object.keys(hidden).length > 0 && {
        proxyEnv: {
          httpProxy: hidden['http_proxy'] ?? '',
          httpsProxy: hidden['https_proxy'] ?? '',
          ftpProxy: hidden['ftp_proxy'] ?? '',
          noProxy: hidden['no_proxy'] ?? '',
          allProxy: hidden['all_proxy'] ?? '',
        },
      }),
    };
    const value = {
      meta,
      mounts,
      network: op.network === 'host' ? NetMode.HOST : op.network === 'none' ? NetMode.NONE : NetMode.UNSET,
      security: op.security === 'insecure' ? SecurityMode.INSECURE : SecurityMode.SANDBOX,
      secretenv: op.mounts.flatMap((m) =>
        m.type === 'secret' && m.env !== undefined ? [{ ID: m.id ?? '', name: m.env, optional: m.required !== true }] : [],
      ),
    };
    return this.add({ inputs: inputs as never, op: { case: 'exec', value: value as never } as Op['op'] });
  }
}

function mountParts(m: ExecMount, input: bigint): Parts {
  const common = { input, dest: m.target ?? '', selector: m.selector ?? '', readonly: m.readonly, output: -1n };
  const ids = { ID: m.id ?? '', uid: m.uid ?? 0, gid: m.gid ?? 0, optional: m.required !== true };
  switch (m.type) {
    case 'bind':
      return { ...common, mountType: MountType.BIND };
    case 'cache': {
      const sharing = { shared: CacheSharingOpt.SHARED, private: CacheSharingOpt.PRIVATE, locked: CacheSharingOpt.LOCKED }[
        m.sharing ?? 'shared'
      ];
      if (m.mode !== undefined || m.uid !== undefined || m.gid !== undefined) throw unsupported('a cache mount with a mode or an owner');
      return { ...common, mountType: MountType.CACHE, cacheOpt: { ID: m.id ?? '', sharing } };
    }
    case 'tmpfs':
      return { ...common, mountType: MountType.TMPFS, ...(m.size !== undefined && { TmpfsOpt: { size: BigInt(m.size) } }) };
    case 'secret':
      return { ...common, mountType: MountType.SECRET, secretOpt: { ...ids, mode: m.mode ?? 0o400 } };
    case 'ssh':
      return { ...common, mountType: MountType.SSH, SSHOpt: { ...ids, mode: m.mode ?? 0o600 } };
    default:
      throw unsupported((m.type satisfies never as string) ?? '');
  }
}

/** Names are looked up in the files that are changed. */
function ownerOf(text: string, base: bigint): Parts | undefined {
  if (text === '') return undefined;
  const [user = '', group] = text.split(':');
  const one = (word: string): Parts => ({
    user: /^\d+$/.test(word) ? { case: 'byID', value: Number(word) } : { case: 'byName', value: { name: word, input: base } },
  });
  return { ...(user !== '' && { user: one(user) }), ...(group !== undefined && group !== '' && { group: one(group) }) };
}
