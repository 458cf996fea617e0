// The words of container/: what a container is asked to be, and what is recorded of it. Data only.
import type { Digest, Healthcheck, Ulimit } from '../model/index.ts';
import type { Attachment, PortMapping } from '../network/index.ts';
import type { DeviceMapping } from '../runtime/index.ts';

/** `-v`: a folder of the host, a named volume, or a new anonymous one. */
export interface VolumeRequest {
  /** Absolute path of the host, a volume's name, or undefined for an anonymous volume. */
  readonly source?: string;
  readonly destination: string;
  readonly readonly: boolean;
  /** Asked for by `--mount`, not `-v`. */
  readonly byMount?: true;
  /** Of a bind: `rprivate` (default), `rshared`, `rslave`, `private`, `shared`, `slave`. */
  readonly propagation?: string;
  /** A new volume stays empty whatever the image has there. */
  readonly noCopy?: boolean;
  /** Of a bind: it is refused, not made, when it is missing. */
  readonly mustExist?: boolean;
  /** Of a bind: what is mounted below its source comes too when left out; not at all, or as readonly as the rest. */
  readonly recursion?: 'none' | 'readonly';
  /** Of a new volume. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a new volume: `type`, `device` and `o` of what is mounted as it. */
  readonly options?: Readonly<Record<string, string>>;
}

/** `--restart`: whether a container is started again when it has ended by itself. */
export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** Of on-failure; 0 for no limit. */
  readonly maximumRetries: number;
}

/** A network that a container is in when it runs. */
export interface Endpoint {
  /** Its name. */
  readonly network: string;
  /** Further names by which others of the network find it. */
  readonly aliases?: readonly string[];
  readonly ip?: string;
  readonly mac?: string;
}

/** What `run` and `create` ask for; what is left out comes from the image. */
export interface ContainerRequest {
  readonly image: string;
  /** `linux/arm64`: the image must be for it. */
  readonly platform?: string;
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
  /** What of it a client that creates and starts it is connected with. */
  readonly attached?: readonly ('stdin' | 'stdout' | 'stderr')[];
  /** Of one that goes on by itself: its input ends with that of the first client, and does not stay open for others. */
  readonly stdinOnce?: boolean;
  /** Of its terminal at the start, in characters. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly PortMapping[];
  readonly publishAll: boolean;
  /** `--expose`: `80/tcp`. */
  readonly expose: readonly string[];
  readonly volumes: readonly VolumeRequest[];
  /** Containers whose volumes and folders it gets too: `name[:ro]`. */
  readonly volumesFrom?: readonly string[];
  /** `path[:options]`. */
  readonly tmpfs: readonly string[];
  /** `bridge`, `none`, `host`, the name of a network that was made, or `container:ID`. */
  readonly network: string;
  /** `host` or `container:ID`; its own when left out. */
  readonly pid?: string;
  /** `host`, `private`, `shareable`, `none` or `container:ID`. */
  readonly ipc?: string;
  readonly uts?: string;
  /** `host`, which every container has: no IDs are mapped. */
  readonly userns?: string;
  /** `host` or `private`. */
  readonly cgroupns?: string;
  /** All its networks, `network` first; left out when there is nothing to say but `network` and `networkAliases`. */
  readonly endpoints?: readonly Endpoint[];
  /** Names by which containers of a user-made network find it. */
  readonly networkAliases?: readonly string[];
  readonly addHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
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
  /** Bytes. */
  readonly shmSize?: number;
  readonly ulimits: readonly Ulimit[];
  /** Bytes; with swap -1 is no limit, and it counts memory too. */
  readonly memorySwap?: number;
  readonly memoryReservation?: number;
  /** Microseconds. */
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  /** 10 to 1000. */
  readonly blkioWeight?: number;
  /** `0-2,5`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly devices?: readonly DeviceMapping[];
  readonly domainname?: string;
  /** Further groups of its user, by name or number. */
  readonly groups?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly noNewPrivileges?: boolean;
  /** `unconfined`, the absolute path of a profile, or the profile itself as JSON. */
  readonly seccomp?: string;
  readonly oomScoreAdj?: number;
  /** Replaces what the image has, value by value. */
  readonly health?: Healthcheck;
  /** That of the image is forgotten. */
  readonly noHealthcheck?: boolean;
  /** Its first process is a small one that reaps others and passes signals on to the program. */
  readonly init?: boolean;
  readonly stopSignal?: string;
  /** Seconds. */
  readonly stopTimeout?: number;
  readonly restart?: RestartPolicy;
  /** Bytes; a log that grows beyond begins again. */
  readonly logLimit?: number;
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
  readonly propagation?: string;
  readonly noCopy?: boolean;
  readonly mustExist?: boolean;
  readonly recursion?: 'none' | 'readonly';
  /** Of a tmpfs, as given. */
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
  /** Seconds; -1 waits for ever. */
  readonly stopTimeout: number;
}

/**
 * created → running → exited → running …, and → removing, after which there is nothing (`transitions.ts`). One whose policy wants
 * it started again is `restarting` until then.
 * A container is `running` from the moment a command begins to start it until its remains are cleared away.
 */
export type ContainerStatus = 'created' | 'running' | 'restarting' | 'exited' | 'removing';

/** What one run of a health check found. Times in ms since the epoch. */
export interface HealthResult {
  readonly start: number;
  readonly end: number;
  /** 0 is healthy; -1 when it could not be run, or not to its end. */
  readonly exitCode: number;
  readonly output: string;
}

export interface Health {
  status: 'starting' | 'healthy' | 'unhealthy';
  /** How many have failed since one succeeded. */
  failingStreak: number;
  /** The last five. */
  log: readonly HealthResult[];
}

/** Processes are named by `processIdentity`, so that a pid used again, or a machine started anew, is not mistaken for them. */
export interface ContainerState {
  status: ContainerStatus;
  /** Of the container's first process; 0 when it does not run. */
  pid: number;
  /** That process exists, and waits for its starter to let its program begin. */
  gated?: boolean;
  /** That process; not there before it has started. */
  process?: string;
  /** The command that starts it and, in the foreground, that waits for its end. */
  starter?: string;
  /** conmon, which records the exit code of a detached container. */
  monitor?: string;
  /** The command that is clearing away what is left of it: the only one that may. */
  ender?: string;
  /** All its processes are stopped where they are, until somebody lets them go on. */
  paused?: boolean;
  /** How often its policy has started it again since a command started it. */
  restarts?: number;
  /** ms that the last restart waited for. */
  restartDelay?: number;
  /** ms since the epoch, of one that is restarting: when it is to start. */
  restartAt?: number;
  /** Of one with a health check, since it was started first. */
  health?: Health;
  /** A command stopped or killed it: its policy does not apply until a command starts it. */
  stopped?: boolean;
  exitCode: number;
  /** The kernel ended it, or a process of it, for want of memory. */
  oomKilled?: boolean;
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
  /** The active snapshot that holds what the container writes (the collector reads it from here). */
  readonly snapshotId: number;
  /** `update` changes it. */
  request: ContainerRequest;
  readonly process: ProcessSettings;
  /** Of the image and of the request. */
  readonly labels: Readonly<Record<string, string>>;
  /** With the network of another container: that one's, from its start on. */
  hostname: string;
  /** Ports that the image or the request expose: `80/tcp`. */
  readonly exposed: readonly string[];
  readonly mounts: readonly MountPoint[];
  /** Of the image and of the request. */
  readonly healthcheck?: Healthcheck;
  /** Runs commands of its health check; `/bin/sh -c` when left out. */
  readonly shell?: readonly string[];
  /** Its networks, once they are not those of the request any more. */
  endpoints?: readonly Endpoint[];
  /** The one that leads out of it, and has its ports. */
  network?: Attachment;
  /** All of them, when there are several. */
  networks?: readonly Attachment[];
  readonly state: ContainerState;
}
