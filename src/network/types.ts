// The words of network/ for its users: port mappings, attachments, networks. Data only.

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface PortMapping {
  /** '' is every address of the host. */
  readonly hostIp: string;
  /** 0: any free port. */
  readonly hostPort: number;
  /** Any free one from hostPort to this. */
  readonly hostPortEnd?: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

export interface AttachRequest {
  /** Of the container. */
  readonly id: string;
  /** The container, when this is not its first network. */
  readonly container?: string;
  /** Of the container; a name that other containers of a user-made network find it by. */
  readonly name: string;
  /** Path of its network namespace. */
  readonly netnsPath: string;
  readonly ports?: readonly PortMapping[];
  /** Default: 'bridge', the default network. */
  readonly network?: string;
  /** Identity of the process with which it ends (`processIdentity`); a container's life is told to `reap` instead. */
  readonly owner?: string;
  readonly aliases?: readonly string[];
  /** A fixed address wanted. */
  readonly ip?: string;
  readonly mac?: string;
  /** Called when nobody else changes networks, before anything is done: it throws what has changed meanwhile. */
  readonly check?: () => void;
  readonly signal?: AbortSignal;
}

/** What a container got. */
export interface Attachment {
  readonly network: string;
  readonly ip: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly mac: string;
  /** Addresses of name servers of the network itself (aardvark-dns); empty on the default network. */
  readonly dns: readonly string[];
  /** With every host port chosen. */
  readonly ports: readonly PortMapping[];
}

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly driver: 'bridge';
  readonly bridge: string;
  /** CIDR. */
  readonly subnet: string;
  readonly gateway: string;
  /** CIDR: only its addresses are given out. */
  readonly ipRange?: string;
  /** By name, never given out. */
  readonly auxAddresses?: Readonly<Record<string, string>>;
  /** No way out of it, and none in. */
  readonly internal?: boolean;
  /** As given. */
  readonly options?: Readonly<Record<string, string>>;
  /** Bytes; the kernel's choice when left out. */
  readonly mtu?: number;
  /** Names of containers resolve (user-made networks). */
  readonly dns: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** A network namespace lent to one build step. */
export interface BuildNetwork {
  /** For `SpecOptions.netns`: a path, 'host' or 'none'. */
  readonly netnsPath: string;
  /** Of what runs in it; absent without a network of its own. */
  readonly ip?: string;
  /** Its own name servers. */
  readonly dns?: readonly string[];
  release(): void;
}

/** What killed processes have left of networks. */
export interface Leftovers {
  /** IDs of attachments. */
  readonly attachments: readonly string[];
  /** Links without anything attached to them. */
  readonly bridges: readonly string[];
  /** Rules that name such a bridge, as iptables-save prints them. */
  readonly rules: readonly string[];
}
