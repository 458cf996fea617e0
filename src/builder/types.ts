// What a build is asked to do, what it may use, and what it gives. Both engines take the same request.
import type { ContentStore, Lease, Leases } from '../content/index.ts';
import type { Diagnostic } from '../dockerfile/index.ts';
import type { Image, ImageStore, LayoutImage } from '../image/index.ts';
import type { BuilderEndpoint, Digest, ImageConfig, Platform, Session, Ulimit } from '../model/index.ts';
import type { Op, StepLimits } from '../graph/index.ts';
import type { Llb } from '../protocol/index.ts';
import type { Imports } from '../solver/index.ts';
import type { PullProgress } from '../registry/index.ts';
import type { BuildNetworks } from '../network/index.ts';
import type { OciRuntime, Streams, TerminalEnds } from '../runtime/index.ts';
import type { Snapshotter } from '../snapshot/index.ts';
import type { Database, Layout } from '../store/index.ts';
import type { BuildContext, DockerfileSource, NamedContext } from './context/index.ts';
import type { BuildEvent } from './events.ts';
import type { Part } from './graph/parts.ts';
import type { StepDebugger } from './stepping.ts';
import type { BuildRecords } from './record/index.ts';

/** Which layers become one. The original engine has `new` alone, as Docker's. */
export type Squash =
  /** Those that the build made, upon its base. */
  | { readonly kind: 'new' }
  /** All, those of the base too. */
  | { readonly kind: 'all' }
  /** Those of each of these stages, by name or number. */
  | { readonly kind: 'stages'; readonly names: readonly string[] };

/** A graph that comes ready, in the place of a Dockerfile. */
export interface DefinitionRequest {
  readonly llb: Llb;
  /** Of the image; its layers and their history are those of the result. */
  readonly config?: Partial<ImageConfig>;
}

export interface BuildVolume {
  /** Absolute. */
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** What is asked for, as data. */
export interface BuildSettings {
  /** Builders elsewhere, which build instead of this machine. */
  readonly builders?: readonly BuilderEndpoint[];
  readonly definition?: DefinitionRequest;
  /** What the record of the build is called, instead of a name of its own. */
  readonly ref?: string;
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** As people write them; the image gets all of them. */
  readonly tags: readonly string[];
  readonly noCache: boolean;
  /** Stages whose steps are run anew. */
  readonly noCacheFilter: readonly string[];
  readonly pull: boolean;
  /** Steps that use the processor run side by side up to this number; as many as there are processors when left out. */
  readonly jobs?: number;
  /** What builds of the same Dockerfile have in common, and what lists call this one. */
  readonly identity: string;
  readonly name: string;
  readonly platform?: Platform;
  readonly network: 'default' | 'none' | 'host';
  /** The network that `default` stands for, when it is another one than the default network. */
  readonly networkName?: string;
  /** Files of this machine that every RUN sees. What a step is does not depend on them. */
  readonly volumes?: readonly BuildVolume[];
  /** `name:ip`. */
  readonly addHosts: readonly string[];
  /** Bytes. */
  readonly shmSize?: number;
  readonly ulimits: readonly Ulimit[];
  /** Of every RUN that has none of its own. */
  readonly limits?: StepLimits;
  /** IDs of the secrets and agents that the caller offers: statements about the image name them. */
  readonly secrets: readonly string[];
  /** Those of the secrets whose content counts for the cache. */
  readonly secretsInKey?: readonly string[];
  readonly ssh: readonly string[];
  /** What `--allow` grants: `network.host`, `security.insecure`. */
  readonly allow: readonly string[];
  /** Layers of the image that become one. */
  readonly squash?: Squash;
  /** The original engine's own flags. */
  readonly classic: {
    readonly rm: boolean;
    readonly forceRm: boolean;
    /** Images whose layers may be used. */
    readonly cacheFrom: readonly string[];
  };
  /** Seconds since the epoch: the time that the image gets instead of now. */
  readonly sourceDateEpoch?: number;
  /** `write`: the reply has the text of a lock file of the base images; `off`: the one beside the Dockerfile does not count. */
  readonly lock?: 'write' | 'off';
  /** Seconds since the epoch: no file of the layers that are made is of a later time. */
  readonly rewriteTimestamp?: number;
}

/** A build at work: what is asked for, with all that it names opened. */
export interface BuildJob extends Omit<BuildSettings, 'lock'> {
  /** What names of base images stand for, whatever they stand for now. */
  readonly lock?: BaseLock;
  /** What stands for the content of a secret in the keys of steps; undefined for one that does not count, or that there is not. */
  secretDigest?(id: string): Promise<string | undefined>;
  readonly dockerfile: DockerfileSource;
  readonly context: BuildContext;
  /** By the names of `--build-context`. */
  readonly namedContexts: ReadonlyMap<string, NamedContext>;
  readonly session: Session;
  /** The environment of programs that bring what is elsewhere: git. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of steps begin with it where a build is for several platforms. */
  readonly platformLabel?: string;
  /** Opens a shell where a command failed; `begin` is called before it takes the terminal. */
  readonly debug?: DebugShell;
  /** Stops the build where somebody wants to look into it. */
  readonly stepping?: StepDebugger;
  /** What the cache holds of this build is wanted afterwards, or goes into the configuration of the image. */
  readonly wantCache?: boolean;
  readonly inlineCache?: (cache: BuiltCache) => Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  onEvent(e: BuildEvent): void;
}

export interface BaseLock {
  /** @param ask what a name stands for now. @throws as that does; SlipwayError `lock.not-here`, `lock.changed` */
  resolve(ref: string, o: BaseOptions, ask: BuildEnvironment['resolveBase']): Promise<BaseImage>;
  /** Of the lock file, when it is to be written. */
  text(): string | undefined;
}

export interface DebugShell {
  readonly terminal: TerminalEnds | undefined;
  readonly streams: Streams;
  begin(step: string, shell: readonly string[]): void;
}

/** Builders elsewhere, which solve graphs. */
export interface RemoteBuilders {
  /** The address of the builder that a group of steps prefers. @throws SlipwayError `fleet.*` */
  places(request: BuildJob): Promise<(group: string) => string>;
  /** Solves the parts of a graph, and brings an image of the result into the store, without a configuration. */
  solve(
    o: {
      readonly parts: readonly Part[];
      /** @param folderOf what the folder is called that has the files of another part */ encode(
        part: Part,
        folderOf: (part: Part) => string,
      ): Llb;
    },
    request: BuildJob,
  ): Promise<Image>;
}

export interface BuildEnvironment {
  readonly layout: Layout;
  readonly db: Database;
  readonly content: ContentStore;
  readonly leases: Leases;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly records: BuildRecords;
  /** Results of builds elsewhere. */
  readonly imports?: Imports;
  readonly remote?: RemoteBuilders;
  /** Keeps the image that is built beyond the end of the build. */
  readonly keep?: Lease;
  /** Processors. */
  readonly jobs: number;
  runtime(): Promise<OciRuntime>;
  networks(): Promise<BuildNetworks>;
  /** ms since the epoch. */
  now(): number;
  /** The image of an OCI layout for a platform, there for as long as the build runs. */
  openLayout(layout: LayoutImage, platform: Platform, signal: AbortSignal): Promise<Image>;
  /** What a FROM names; the seam where a registry is asked. @throws SlipwayError `image.cannot-be-pulled`. */
  resolveBase(ref: string, o: BaseOptions): Promise<BaseImage>;
}

export interface BaseOptions {
  readonly platform?: Platform;
  /** What is in the store is taken whatever it was made for: the original engine looks at names alone. */
  readonly anyPlatform?: boolean;
  /** Ask the registry although the image is here. */
  readonly pull: boolean;
  readonly signal: AbortSignal;
}

/** The image that a build begins with: its configuration is known, and its layers are fetched when they are needed. */
export interface BaseImage {
  /** As it was asked for: `docker.io/library/busybox:latest`. */
  readonly ref: string;
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly manifestDigest?: Digest;
  /** The whole image in the store, held until the build ends; fetched once, whoever asks first. @throws as `resolveBase` */
  fetch(signal: AbortSignal, onProgress?: (p: PullProgress) => void): Promise<Image>;
}

/** What the cache holds of one build. */
export interface BuiltCache {
  readonly results: readonly {
    readonly key: string;
    readonly snapshotId: number | null;
    readonly createdAt: number;
    readonly ms: number;
    readonly description: string;
    /** It is one of the steps that the image is made of. */
    readonly ofImage: boolean;
  }[];
  /** Of the base images: whoever builds has them. */
  readonly baseChains: readonly Digest[];
}

/** Something from outside that a build used. */
export interface BuildSource {
  /** A package URL of an image, or an address. */
  readonly uri: string;
  readonly digest?: string;
}

export interface BuildDescribed {
  readonly sources: readonly BuildSource[];
  /** Inputs before what reads them. */
  readonly steps: readonly { readonly id: string; readonly name: string; readonly inputs: readonly string[]; readonly op: Op }[];
}

export interface BuildResult {
  readonly image: Image;
  /** What the graph engine used and did, for statements about the image. */
  readonly describe?: () => BuildDescribed;
  readonly cache?: BuiltCache;
  readonly warnings: readonly Diagnostic[];
}
