// The operations of the build graph, in the shape of BuildKit's LLB (solver/pb/ops.proto): source, exec, file, merge, diff.
// Plain frozen data; what an operation is made of is all that its digest covers.

/** Brings a file system from outside: `docker-image://NAME@sha256:ID`, `local://context`, `local://context:NAME`, or the address of something elsewhere. */
export interface SourceOp {
  readonly kind: 'source';
  readonly identifier: string;
  /** By HTTP: one file, which gets this name. */
  readonly http?: { readonly name: string; readonly checksum?: string };
  /** A Git repository as one commit of it has it. */
  readonly git?: { readonly commit: string; readonly folder: string; readonly keepGitDir: boolean; readonly submodules: boolean };
}

export interface ExecMount {
  readonly type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
  /** Index of the input that it shows; -1 for none. */
  readonly input: number;
  readonly target?: string;
  /** Path within the input. */
  readonly selector?: string;
  readonly readonly: boolean;
  /** What the program writes here stays: a file system of its own, which an exec operation with this mount as `output` gives. */
  readonly output?: boolean;
  /** Of a cache, a secret or an agent. */
  readonly id?: string;
  readonly sharing?: 'shared' | 'private' | 'locked';
  readonly env?: string;
  /** Of a secret whose content counts: what stands for that. */
  readonly content?: string;
  readonly required?: boolean;
  /** Bytes. */
  readonly size?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Runs a program on a file system; its output is that file system with what the program changed, or that of a mount. */
export interface ExecOp {
  readonly kind: 'exec';
  /** Index of the input that is the root, 0 when left out. What its output stands on is always input 0. */
  readonly root?: number;
  readonly rootReadonly?: boolean;
  /** Index of the mount whose files are the output; those of the root when left out. */
  readonly output?: number;
  /** Operations that differ in `output`, `root` and the order of inputs alone have the same: the program runs once for all. */
  readonly run?: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly ExecMount[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  /** What the machine is called; the engine's own name for it when absent. */
  readonly hostname?: string;
  readonly addHosts: readonly string[];
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** A file that is there while the program runs: a heredoc with its own interpreter. */
  readonly script?: { readonly path: string; readonly content: string };
}

export type FileAction =
  | {
      readonly action: 'copy';
      readonly instruction: 'COPY' | 'ADD';
      /** Index of the input that is read; -1 when only inline files are copied. */
      readonly input: number;
      /** Owners are kept from a stage, and are root's from a context. */
      readonly from: 'stage' | 'context';
      readonly sources: readonly string[];
      readonly files: readonly { readonly name: string; readonly data: string }[];
      readonly destination: string;
      readonly workdir: string;
      readonly chown?: string;
      readonly chmod?: string;
      readonly parents: boolean;
      readonly link: boolean;
      readonly excludes: readonly string[];
      readonly unpack?: boolean;
    }
  /** A directory that must be there: WORKDIR. */
  | {
      readonly action: 'mkdir';
      readonly path: string;
      readonly user: string;
      /** Seconds since the epoch, of a directory that is created; else it is of its time. */
      readonly time?: number;
      /** 755 when left out. */
      readonly mode?: number;
      /** False: the directory above must be there. */
      readonly parents?: boolean;
    }
  /** A file with these bytes (base64), in the place of what stands there. */
  | {
      readonly action: 'mkfile';
      readonly path: string;
      readonly data: string;
      readonly mode: number;
      readonly owner: string;
      readonly time?: number;
    }
  | { readonly action: 'symlink'; readonly target: string; readonly path: string; readonly owner: string; readonly time?: number }
  | {
      readonly action: 'rm';
      readonly path: string;
      /** The path is a pattern, and everything that matches is removed. */
      readonly wildcard: boolean;
      /** That nothing is there is no error. */
      readonly allowNotFound: boolean;
    };

/** Changes files of input 0. */
export interface FileOp {
  readonly kind: 'file';
  readonly actions: readonly FileAction[];
}

/** Lays the layers of the other inputs on those of input 0, one after the other: what they delete is deleted. */
export interface MergeOp {
  readonly kind: 'merge';
}

/** What input 1 has changed against input 0: laid on input 0 by a merge, it gives input 1 again. */
export interface DiffOp {
  readonly kind: 'diff';
}

export type Op = SourceOp | ExecOp | FileOp | MergeOp | DiffOp;
