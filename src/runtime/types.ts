// The words of runtime/ for its users: what a container's process is to be (SpecOptions), and what can be asked of a runtime.
// Data only; nothing here starts a process.
import type { Ulimit } from '../model/index.ts';
import type { OciSpec, Resources, SpecMount } from './spec/oci.ts';

/** Who a process runs as, in numbers. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** The home directory that /etc/passwd gives; '/' when the user has none there. */
  readonly home: string;
}

export interface DeviceMapping {
  readonly source: string;
  readonly destination: string;
  /** Of `rwm`. */
  readonly permissions: string;
}

/** What `defaultSpec` turns into an OCI runtime configuration; everything that is left out is as Docker has it. */
export interface SpecOptions {
  /** Absolute path of the mounted root file system. */
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: Pick<ResolvedUser, 'uid' | 'gid' | 'additionalGids'>;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly tty?: boolean;
  /** Size of the terminal, in characters. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  /** Path of a network namespace; 'host' for that of the host; 'none' (default) for a new one that has loopback only. */
  readonly netns?: string;
  /** Added after the default ones; one with the destination of a default mount replaces it. */
  readonly mounts?: readonly SpecMount[];
  readonly privileged?: boolean;
  /** With or without `CAP_`; `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  /** Root file system read-only. */
  readonly readonly?: boolean;
  readonly ulimits?: readonly Ulimit[];
  /** Bytes of /dev/shm; 64 MiB when left out. */
  readonly shmSize?: number;
  readonly resources?: Resources;
  /** A profile in Docker's form, by its path or as JSON, or 'unconfined'. Default: Docker's default profile. */
  readonly seccomp?: string;
  readonly noNewPrivileges?: boolean;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly DeviceMapping[];
  /** Default: `/slipway/<id>` when `id` is given to the runtime; '' leaves the choice to the runtime. */
  readonly cgroupsPath?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  /** 'host' shares the host's; else the path of a namespace. */
  readonly pid?: string;
  /** As `pid`; 'none' is one of its own without shared memory. */
  readonly ipc?: string;
  readonly uts?: 'host';
  /** Default: of its own with cgroup v2 unless privileged. */
  readonly cgroupns?: string;
}

export type ContainerStatus = 'creating' | 'created' | 'running' | 'stopped' | 'paused';

/** `state` of the OCI runtime specification. */
export interface RuntimeState {
  readonly id: string;
  readonly status: ContainerStatus;
  /** 0 when stopped. */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One build step: created, run to its end and deleted in one go. */
export interface RunOptions {
  readonly id: string;
  /** A directory of its own, made when missing; config.json is written into it. */
  readonly bundle: string;
  readonly spec: OciSpec;
  /** A folder for the runtime's own files, among them a copy of the spec. Its usual one when left out. */
  readonly stateRoot?: string;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** Nothing (an empty input) when left out. */
  readonly stdin?: Uint8Array;
  /** Kills every process of the step; `run` then rejects with the signal's reason once all are gone. */
  readonly signal?: AbortSignal;
  /** Gets the pid of the runtime, whose descendant the step is. */
  readonly onProcess?: (pid: number) => void;
  /** Give it a cgroup even when the spec asks for no limits. Default false: the pid namespace bounds the step. */
  readonly cgroup?: boolean;
}

/** The user's terminal. */
export interface TerminalEnds {
  /** What is typed; nothing is read without it. */
  readonly input?: InputSource;
  /** The keys that leave the program to itself; Ctrl-P Ctrl-Q when left out. */
  readonly detachKeys?: readonly number[] | undefined;
  /** Makes it raw; returns how to undo that. */
  raw?(): () => void;
  readonly output: { write(chunk: Uint8Array): unknown; readonly ready?: () => Promise<void> };
  /** undefined while nobody knows. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /** Calls back when the size has changed; returns how to stop that. */
  onResize(changed: () => void): () => void;
}

/** Somebody's standard input. A container never gets it as a descriptor: it is copied into a pipe of its own. */
export type InputSource = Pick<NodeJS.ReadableStream, 'on' | 'off' | 'resume' | 'pause'>;

/** Where what a container writes goes. */
export interface OutputSinks {
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
  /** Waited for before more is read: whoever takes the output may be slow. */
  readonly ready?: () => Promise<void>;
}

/** The standard streams of a program; without `stdin` its input is empty. */
export interface Streams extends OutputSinks {
  readonly stdin?: InputSource;
}

/** A container in the foreground: a direct child. */
export interface ForegroundOptions extends Streams {
  readonly id: string;
  readonly bundle: string;
  readonly spec: OciSpec;
  /** As in RunOptions. */
  readonly stateRoot?: string;
  /** The user's, when the spec has `terminal`; the streams are not used then. */
  readonly terminal?: TerminalEnds;
  readonly signal?: AbortSignal;
}

export interface ExecOptions extends Streams {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: Pick<ResolvedUser, 'uid' | 'gid' | 'additionalGids'>;
  readonly tty?: boolean;
  /** The user's, when it gets one and is not detached. */
  readonly terminal?: TerminalEnds;
  /** The user relies on the keys that detach. */
  readonly mustDetach?: boolean;
  readonly privileged?: boolean;
  /** As in the container's spec, for the capabilities of the new process. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Does not wait for the process; resolves with exit code 0 as soon as it runs. */
  readonly detach?: boolean;
  readonly signal?: AbortSignal;
}

export interface ExitStatus {
  /** 128 + n when killed by signal n. */
  readonly exitCode: number;
  /** It goes on: the user typed the keys that detach. */
  readonly left?: boolean;
}
