// What a frontend on the client's side asks of its results, and of images: the reading half of the bridge (buildkit, frontend/gateway).
import { type BuildOperation, type BuiltEntry, type Caller, type FilesWish } from '../engine/index.ts';
import { parsePlatform, SlipwayError } from '../model/index.ts';
import { type Call, Code, GrpcError, type Implementation, type LLBBridge, type Platform, statOf } from '../protocol/index.ts';
import type { BuildKitOptions } from './options.ts';

/** A result that a frontend has: what builds it, and for whom. */
export interface BridgeRef {
  readonly request: BuildOperation['request'];
  readonly caller: Caller;
}

export interface BridgeAccess {
  /** @throws GrpcError not found */
  ref(id: string, call: Call): Promise<BridgeRef>;
  /** Builds nothing: for questions about images. */
  nothing(call: Call): Promise<BridgeRef>;
}

type Reading = Pick<
  Implementation<typeof LLBBridge>,
  'resolveImageConfig' | 'resolveSourceMeta' | 'readFile' | 'readDir' | 'statFile' | 'evaluate'
>;

export function reading({ perform }: Pick<BuildKitOptions, 'perform'>, access: BridgeAccess): Reading {
  const files = async (id: string, wish: FilesWish, call: Call) => {
    const { request, caller } = await access.ref(id, call);
    return perform({ kind: 'built-files', request, wish }, { ...caller, signal: call.signal, onEvent: () => {} });
  };
  const image = async (ref: string, platform: Platform | undefined, mode: string, call: Call) => {
    const { request, caller } = await access.nothing(call);
    const wanted = platform && [platform.OS, platform.Architecture, platform.Variant].filter((part) => part !== '').join('/');
    return perform(
      {
        kind: 'image-config',
        request: { ...request, pull: mode === 'pull' },
        ref: ref.replace(/^docker-image:\/\//, ''),
        ...(wanted && { platform: parsePlatform(wanted) }),
      },
      { ...caller, signal: call.signal, onEvent: () => {} },
    );
  };
  return {
    resolveImageConfig: async ({ Ref, Platform: platform, ResolveMode, ResolverType }, call) => {
      if (ResolverType !== 0) throw unsupported('images of OCI layouts are not resolved');
      const { digest, config } = await image(Ref, platform, ResolveMode, call);
      return { Digest: digest, Config: Buffer.from(config), Ref };
    },
    resolveSourceMeta: async ({ Source, Platform: platform, ResolveMode }, call) => {
      const identifier = Source?.identifier ?? '';
      // nothing is known of other sources before they are brought
      if (!identifier.startsWith('docker-image://')) return { ...(Source && { Source }) };
      const { digest, config } = await image(identifier, platform, ResolveMode, call);
      return { ...(Source && { Source }), Image: { Digest: digest, Config: Buffer.from(config) } };
    },
    readFile: async ({ Ref, FilePath, Range }, call) => {
      const range = Range && { offset: Number(Range.Offset), ...(Range.Length > 0n && { length: Number(Range.Length) }) };
      if (range && range.offset < 0) throw new GrpcError(Code.invalidArgument, 'a file has no bytes before its first');
      const { data = '' } = await files(Ref, { what: 'file', path: FilePath, ...range }, call);
      return { Data: Buffer.from(data, 'base64') };
    },
    readDir: async ({ Ref, DirPath, IncludePattern }, call) => {
      if (!/^[^*?[\\]*$|^\*?[^*?[\\/]*\*?$/.test(IncludePattern)) throw unsupported(`the pattern ${IncludePattern} is not supported`);
      const { entries = [] } = await files(Ref, { what: 'folder', path: DirPath }, call);
      return { entries: entries.filter((e) => matches(e.name, IncludePattern)).map(statistic) };
    },
    statFile: async ({ Ref, Path }, call) => {
      const [entry] = (await files(Ref, { what: 'entry', path: Path }, call)).entries ?? [];
      return entry ? { stat: statistic(entry) } : {};
    },
    // a result has been built when its frontend has it
    evaluate: async ({ Ref }, call) => {
      await access.ref(Ref, call);
      return {};
    },
  };
}

const unsupported = (message: string): SlipwayError => new SlipwayError('unsupported', 'buildkit.bridge', message);

/** A name, or the beginning or the end of one with a star; everything without a pattern. */
function matches(name: string, pattern: string): boolean {
  if (pattern === '' || pattern === '*') return true;
  const word = pattern.replaceAll('*', '');
  if (pattern.startsWith('*') && pattern.endsWith('*')) return name.includes(word);
  if (pattern.startsWith('*')) return name.endsWith(word);
  return pattern.endsWith('*') ? name.startsWith(word) : name === word;
}

const statistic = ({ name, type, modified, ...e }: BuiltEntry) =>
  statOf({ path: name, type: type === 'socket' ? 'fifo' : type, ...e, mtimeNs: BigInt(modified) });
