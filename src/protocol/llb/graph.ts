// From an LLB definition to nodes of the graph. Images are looked up, and folders of the client asked for, by whoever calls.
import { createHash } from 'node:crypto';
import { Graph, type Node, type Op as GraphOp } from '../../graph/index.ts';
import type { Op, Platform, SourceOp } from '../gen/ops_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import { type Llb, readDefinition } from './definition.ts';
import { execOutputs } from './exec.ts';
import { fileOutputs } from './file.ts';
import type { Making } from './making.ts';

export interface Resolver {
  /** The identifier of an image, with what it is. @param platform `linux/arm64`; this machine's when left out */
  image(ref: string, platform: string | undefined): Promise<string>;
  /** The identifier of a folder by its key in `foldersOf`. */
  folder(key: string): string;
  /** A repository: its address with what is wanted of it. */
  git(address: string, o: { readonly keepGitDir: boolean; readonly checksum?: string }): Promise<GraphOp>;
}

/** A folder of the client that a definition reads. */
export interface LlbFolder {
  readonly key: string;
  readonly name: string;
  /** These paths alone; all when left out. */
  readonly only?: readonly string[];
  /** In the form of a `.dockerignore`. */
  readonly ignore?: string;
}

const unsupported = (message: string): GrpcError => new GrpcError(Code.unimplemented, message);

/** @throws GrpcError for what is no definition */
export function foldersOf(llb: Llb): LlbFolder[] {
  const found = new Map<string, LlbFolder>();
  for (const { op } of readDefinition(llb).ops)
    if (op.op.case === 'source' && op.op.value.identifier.startsWith('local://')) {
      const folder = folderOf(op.op.value);
      found.set(folder.key, folder);
    }
  return [...found.values()];
}

function folderOf({ identifier, attrs }: SourceOp): LlbFolder {
  const name = identifier.slice('local://'.length);
  const list = (key: string): string[] => {
    const value: unknown = attrs[key] === undefined ? [] : JSON.parse(attrs[key]);
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  };
  try {
    const only = [...new Set([...list('local.includepattern'), ...list('local.followpaths')])];
    const excludes = list('local.excludepatterns');
    const key = `llb-${createHash('sha256')
      .update(JSON.stringify([name, only, excludes]))
      .digest('hex')
      .slice(0, 16)}`;
    return { key, name, ...(only.length > 0 && { only }), ...(excludes.length > 0 && { ignore: excludes.join('\n') }) };
  } catch (cause) {
    throw Object.assign(new GrpcError(Code.invalidArgument, `the patterns of ${identifier} cannot be read`), { cause });
  }
}

/** The node that is the result; undefined for an empty definition. @throws GrpcError for what is none or cannot be done; what the resolver throws */
export async function graphOf(llb: Llb, resolver: Resolver): Promise<Node | undefined> {
  const { ops, result } = readDefinition(llb);
  if (result === undefined) return undefined;
  const graph = new Graph();
  const scratch = graph.node({ kind: 'source', identifier: 'scratch' }, [], { name: 'scratch', noCache: false });
  const noCache = new Set(llb.noCache);
  const outputs = new Map<string, readonly Node[]>();
  const making = (digest: string): Making => {
    const node: Making['node'] = (op, inputs, name) =>
      graph.node(op, inputs, { name: llb.names[digest] ?? name, noCache: noCache.has(digest) });
    return {
      scratch,
      node,
      base: (from) =>
        from.op.kind === 'source' && from.op.identifier !== 'scratch' && !from.op.identifier.startsWith('docker-image://')
          ? node(COPY_ALL, [scratch, from], from.meta.name)
          : from,
    };
  };
  for (const { digest, op } of ops) {
    const inputs = op.inputs.map(({ digest: of, index }) => outputOf(outputs, of, Number(index)));
    outputs.set(digest, await outputsOf(op, digest, inputs, making(digest), resolver));
  }
  return making(result.digest).base(outputOf(outputs, result.digest, result.index));
}

const COPY_ALL: GraphOp = {
  kind: 'file',
  actions: [
    {
      action: 'copy',
      instruction: 'COPY',
      input: 1,
      from: 'context',
      sources: ['/'],
      files: [],
      destination: '/',
      workdir: '/',
      parents: false,
      link: false,
      excludes: [],
    },
  ],
};

function outputOf(outputs: ReadonlyMap<string, readonly Node[]>, digest: string, index: number): Node {
  const node = outputs.get(digest)?.[index];
  if (node === undefined) throw new GrpcError(Code.invalidArgument, `operation ${digest} has no output ${index}`);
  return node;
}

async function outputsOf(
  { op, platform }: Op,
  digest: string,
  inputs: readonly Node[],
  make: Making,
  resolver: Resolver,
): Promise<readonly Node[]> {
  switch (op.case) {
    case 'source':
      return [await sourceNode(op.value, platform, make, resolver)];
    case 'exec':
      return execOutputs(op.value, inputs, digest, make);
    case 'file':
      return fileOutputs(op.value, inputs, make);
    case 'merge': {
      const merged = op.value.inputs.map(({ input }) => (input < 0n ? make.scratch : make.base(at(inputs, input))));
      return [make.node({ kind: 'merge' }, merged, 'merge')];
    }
    case 'diff': {
      const side = (input: bigint | undefined): Node => (input === undefined || input < 0n ? make.scratch : make.base(at(inputs, input)));
      return [make.node({ kind: 'diff' }, [side(op.value.lower?.input), side(op.value.upper?.input)], 'diff')];
    }
    default:
      throw unsupported(`operations of type ${op.case ?? 'unknown'} are not supported`);
  }
}

function at(inputs: readonly Node[], index: bigint): Node {
  const node = inputs[Number(index)];
  if (node === undefined) throw new GrpcError(Code.invalidArgument, `an operation has no input ${index}`);
  return node;
}

async function sourceNode(
  { identifier, attrs, ...more }: SourceOp,
  platform: Platform | undefined,
  make: Making,
  resolver: Resolver,
): Promise<Node> {
  if (identifier.startsWith('docker-image://')) {
    const of = platform && [platform.OS, platform.Architecture, platform.Variant].filter((part) => part !== '').join('/');
    const ref = identifier.slice('docker-image://'.length);
    return make.node({ kind: 'source', identifier: await resolver.image(ref, of || undefined) }, [], identifier);
  }
  if (identifier.startsWith('local://')) {
    const { key } = folderOf({ identifier, attrs, ...more });
    return make.node({ kind: 'source', identifier: resolver.folder(key) }, [], identifier);
  }
  if (identifier.startsWith('git://')) return make.node(await gitOp(identifier, attrs, resolver), [], identifier);
  if (/^https?:\/\//.test(identifier)) {
    refuseOthers(identifier, attrs, HTTP_ATTRIBUTES);
    const name = attrs['http.filename'] ?? fileName(identifier);
    const checksum = attrs['http.checksum'];
    return make.node({ kind: 'source', identifier, http: { name, ...(checksum !== undefined && { checksum }) } }, [], identifier);
  }
  throw unsupported(`sources ${identifier.split(':')[0]}: are not supported`);
}

/** What a file is called that has no name of its own. */
function fileName(address: string): string {
  const url = URL.parse(address);
  if (url === null) throw new GrpcError(Code.invalidArgument, `${address} is no address`);
  return url.pathname.split('/').at(-1) || 'index';
}

const HTTP_ATTRIBUTES = new Set(['http.filename', 'http.checksum', 'http.authheadersecret']);
/** Secrets by these names are the ones that are asked for anyway; keys of hosts are those of this machine. */
const GIT_ATTRIBUTES = new Set([
  'git.fullurl',
  'git.keepgitdir',
  'git.checksum',
  'git.authtokensecret',
  'git.authheadersecret',
  'git.knownsshhosts',
  'git.mountsshsock',
]);
const SECRETS: Readonly<Record<string, RegExp>> = {
  'git.authtokensecret': /^GIT_AUTH_TOKEN/,
  'git.authheadersecret': /^GIT_AUTH_HEADER/,
  'http.authheadersecret': /^HTTP_AUTH_HEADER/,
};

function refuseOthers(identifier: string, attrs: Readonly<Record<string, string>>, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(attrs))
    if (!known.has(name) || SECRETS[name]?.test(value) === false)
      throw unsupported(`the attribute ${name}=${value} of ${identifier} is not supported`);
}

/** `git://host/path#ref:folder`, with the whole address in an attribute. */
function gitOp(identifier: string, attrs: Readonly<Record<string, string>>, resolver: Resolver): Promise<GraphOp> {
  refuseOthers(identifier, attrs, GIT_ATTRIBUTES);
  const [, plain = identifier, fragment = ''] = /^([^#]*)(#.*)?$/s.exec(identifier) ?? [];
  const address = attrs['git.fullurl'] || plain;
  const checksum = attrs['git.checksum'];
  return resolver.git(`${address.replace(/#.*$/s, '')}${fragment}`, {
    keepGitDir: attrs['git.keepgitdir'] === 'true',
    ...(checksum !== undefined && { checksum }),
  });
}
