// What a step is asked to do: the requests that both engines hand to copyStep, runStep and contentDigest.
// Everything in a request is final: variables are expanded, stages are directories, paths are absolute where said.
import type { BuildNetworks } from '../../network/index.ts';
import type { OciRuntime, Streams, TerminalEnds } from '../../runtime/index.ts';
import type { Graft, Snapshotter, Mount } from '../../snapshot/index.ts';
import type { Database, Layout } from '../../store/index.ts';
import type { Session, Ulimit } from '../../model/index.ts';
import type { StepLimits } from '../../graph/index.ts';
import type { FileDigests } from './digests.ts';

/** Says which paths (relative to a root, no leading slash) are left out. `IgnoreMatcher` of dockerfile/ fits. */
export interface PathFilter {
  matches(path: string): { readonly excluded: boolean; readonly pattern?: string; readonly line?: number };
  /** The file that says so. */
  readonly name?: string | undefined;
  /** False when nothing below a directory that is left out can be taken in again, so that it need not be walked. */
  mayContainIncluded(dir: string): boolean;
}

/** The parts of a build's environment that steps use; `BuildEnvironment` fits. */
export interface StepEnvironment {
  readonly layout: Layout;
  readonly db: Database;
  readonly snapshots: Pick<Snapshotter, 'driver'>;
  runtime(): Promise<OciRuntime>;
  networks(): Promise<BuildNetworks>;
}

/** A file system being changed: mounted at `path`; `upper` is the directory that receives the changes, when there is one. */
export interface Rootfs {
  readonly path: string;
  readonly upper?: string;
}
export interface MountedRootfs extends Rootfs {
  /** Keeps all that was changed as the tar of a layer, together with what the graft puts there. Nothing may be changed afterwards. */
  readonly pack?: (graft: Graft) => void;
  unmount(): void;
  [Symbol.dispose](): void;
}
export type OpenRootfs = (layout: Layout, mounts: readonly Mount[], upper?: string, pack?: MountedRootfs['pack']) => MountedRootfs;

/** One root from which files are taken. */
export interface CopySource {
  /** A directory: a context, or the mounted file system of a stage or image. */
  readonly root: string;
  /** Paths or patterns as written, variables expanded; taken relative to `root` whether or not they begin with a slash. */
  readonly patterns: readonly string[];
  /** What the root leaves out (`.dockerignore`). */
  readonly ignore?: PathFilter;
  /** What is remembered of its files. */
  readonly digests?: FileDigests;
  /** Contexts: everything belongs to 0:0 in the image. Stages: owners are kept. */
  readonly kind: 'context' | 'stage';
  /** What the request says of it, when undefined. */
  readonly unpack?: boolean;
}

export interface CopyRequest {
  readonly instruction: 'COPY' | 'ADD';
  readonly style: 'graph' | 'classic';
  readonly sources: readonly CopySource[];
  /** Files written in the Dockerfile itself (heredocs). */
  readonly files?: readonly { readonly name: string; readonly data: Uint8Array }[];
  /** As written, variables expanded, a trailing slash kept; relative to `workdir`. */
  readonly destination: string;
  /** Absolute; '/' when the stage has none. */
  readonly workdir: string;
  /** `user[:group]`, names or numbers. */
  readonly chown?: string;
  /** Octal or symbolic. */
  readonly chmod?: string;
  readonly parents?: boolean;
  readonly excludes?: readonly string[];
  /** Links of the image in the destination are not followed but replaced. */
  readonly link?: boolean;
  /** ADD: local archives are unpacked unless false; undefined is the instruction's own default. */
  readonly unpack?: boolean;
  /** Where nothing else changes the file system afterwards: directories may go straight into the layer. */
  readonly pack?: (graft: Graft) => void;
  /** For the time of what has none of its own (directories made on the way, heredocs); ms. */
  readonly now: number;
}

export interface ContentDigestOptions {
  readonly ignore?: PathFilter;
  readonly kind: 'context' | 'stage';
  readonly excludes?: readonly string[];
  readonly parents?: boolean;
  /** Digests of files known from before. */
  readonly cache?: FileDigests;
  /** Gets the list that the digest is made of, piece by piece: for record/content-list.ts. */
  readonly onList?: (piece: Buffer) => void;
  /** Gets the path, from the root, of everything that is taken. */
  readonly onPath?: (path: string) => void;
  /** Which engine's rules and words for patterns that match nothing. */
  readonly style: 'graph' | 'classic';
  readonly instruction?: 'COPY' | 'ADD';
}

/** A mount of one RUN. Targets are absolute or relative to the working directory. */
export type RunMount =
  | {
      readonly type: 'bind';
      readonly target: string;
      readonly root: string;
      readonly source: string;
      readonly ignore?: PathFilter;
      readonly readonly: boolean;
      /** What is written stays in `root`. */
      readonly kept?: boolean;
    }
  | {
      readonly type: 'cache';
      readonly target: string;
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly readonly: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      /** A folder within it. */
      readonly source?: string;
      /** What a new cache begins with. Caches of one id that begin with different files are different ones, as `identity` says. */
      readonly seed?: { readonly root: string; readonly source: string; readonly identity: string };
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly size?: number }
  /** A file or folder of this machine. */
  | { readonly type: 'host'; readonly target: string; readonly source: string; readonly readonly: boolean }
  /** A program that only this command sees. */
  | { readonly type: 'script'; readonly target: string; readonly content: string }
  | {
      readonly type: 'secret';
      readonly id: string;
      readonly target?: string;
      readonly env?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | {
      readonly type: 'ssh';
      readonly id: string;
      readonly target?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    };

export interface RunRequest {
  readonly rootfs: Rootfs;
  readonly style: 'graph' | 'classic';
  readonly args: readonly string[];
  /** `NAME=value`; the image's and the build arguments in use. PATH and HOME are added when missing. */
  readonly env: readonly string[];
  /** Absolute; created when missing. */
  readonly workdir: string;
  /** The program cannot write to the root; what prepares it can. */
  readonly readonly?: boolean;
  /** As USER has it; '' is root. */
  readonly user: string;
  readonly mounts?: readonly RunMount[];
  /** What brings a cache that a mount names, for lists. */
  readonly project?: string;
  /** Where the secrets and agents of mounts come from; without one there are none. */
  readonly session?: Pick<Session, 'secret' | 'ssh'>;
  readonly network: 'default' | 'none' | 'host';
  readonly security?: 'sandbox' | 'insecure';
  /** What `--allow` granted: 'network.host', 'security.insecure'. */
  readonly allow?: readonly string[];
  /** Default: `buildkitsandbox` for graph, 12 hex of `id` for classic. */
  readonly hostname?: string;
  /** `name:ip`. */
  readonly addHosts?: readonly string[];
  /** Bytes. */
  readonly shmSize?: number;
  readonly ulimits?: readonly Ulimit[];
  readonly limits?: StepLimits;
  /** Connected with somebody's terminal, or with streams, instead of `onOutput`. */
  readonly attached?: { readonly terminal: TerminalEnds | undefined; readonly streams: Streams };
  /** 64 hex; made up when missing. */
  readonly id?: string;
  /** Gets how to ask for the processor time that the command has used so far, in ms. */
  readonly onWork?: (used: () => number | undefined) => void;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  readonly signal: AbortSignal;
}
