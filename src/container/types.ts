// The words of container/: what a container is asked to be, and what is recorded of it. Data only.
import type { Digest } from '../model/index.ts';
import type { Attachment, PortMapping } from '../network/index.ts';
import type { Ulimit } from '../runtime/index.ts';

/** `-v`: a folder of the host, a named volume, or a new anonymous one. */
export interface VolumeRequest {
  /** Absolute path of the host, a volume's name, or undefined for an anonymous volume. */
  readonly source?: string;
  readonly destination: string;
  readonly readonly: boolean;
}

/** What `run` and `create` ask for; what is left out comes from the image. */
export interface ContainerRequest {
  readonly image: string;
  readonly args: readonly string[];
  readonly name?: string;
  /** `[]` clears the image's entrypoint. */
  readonly entrypoint?: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly tty: boolean;
  /** Standard input stays open (`-i`). */
  readonly openStdin: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PortMapping[];
  readonly publishAll: boolean;
  /** `--expose`: `80/tcp`. */
  readonly expose: readonly string[];
  readonly volumes: readonly VolumeRequest[];
  /** `path[:options]`. */
  readonly tmpfs: readonly string[];
  readonly network: 'bridge' | 'none' | 'host';
  readonly addHosts: readonly string[];
  readonly dns: readonly string[];
  readonly autoRemove: boolean;
  readonly readonlyRootfs: boolean;
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** Bytes. */
  readonly memory?: number;
  /** Thousand-millionths of a CPU. */
  readonly nanoCpus?: number;
  readonly pidsLimit?: number;
  readonly shmSize?: number;
  readonly ulimits: readonly Ulimit[];
  readonly stopSignal?: string;
  /** Seconds. */
  readonly stopTimeout?: number;
}

export interface MountPoint {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  /** Of a volume. */
  readonly name?: string;
  readonly source: string;
  readonly destination: string;
  readonly readonly: boolean;
  /** An anonymous volume goes with its container. */
  readonly anonymous?: boolean;
  readonly options?: readonly string[];
}

/** The process, with everything from image and request merged. */
export interface ProcessSettings {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly stopSignal: string;
  /** Seconds. */
  readonly stopTimeout: number;
}

export type ContainerStatus = 'created' | 'running' | 'exited';

export interface ContainerState {
  status: ContainerStatus;
  /** Of the container's first process; 0 when it does not run. */
  pid: number;
  /** Pid, start time and boot of that process, so that a pid used again is not mistaken for it. */
  process?: string;
  exitCode: number;
  error: string;
  /** ms since the epoch. */
  startedAt?: number;
  finishedAt?: number;
}

/** A container as it is recorded. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly imageId: Digest;
  /** As it was asked for. */
  readonly imageName: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** The active snapshot that holds what the container writes. */
  readonly snapshotId: number;
  readonly request: ContainerRequest;
  readonly process: ProcessSettings;
  readonly hostname: string;
  /** Ports that the image or the request expose: `80/tcp`. */
  readonly exposed: readonly string[];
  readonly mounts: readonly MountPoint[];
  /** Pid, start time and boot of the command that made it. */
  readonly owner: string;
  network?: Attachment;
  readonly state: ContainerState;
}

/** Standard streams of a foreground container or of `exec`. */
export interface Streams {
  readonly stdin: 'inherit' | 'ignore';
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
}
