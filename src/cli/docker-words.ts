// Commands and flags that Docker has and Slipway may not: for these the nearest word that Slipway has would mislead.

const COMMANDS = new Set(
  `bake checkpoint compose config context debug logs model node plugin scout
  secret service stack swarm trust`.split(/\s+/),
);

/** The second words of Docker's groups. */
const IN_GROUPS: Readonly<Record<string, string>> = {
  builder: 'bake create dial-stdio rm',
  'builder history': 'export import open trace',
  'builder history inspect': 'attachment',
  buildx: 'bake create dial-stdio rm',
  'buildx history': 'export import open trace',
  'buildx history inspect': 'attachment',
  network: 'connect disconnect',
  system: 'dial-stdio',
  volume: 'update',
};

const FLAGS = new Set(
  `annotation blkio-weight-device cgroup-parent cgroupns cidfile compress config-only context cpu-count cpu-percent cpu-period
  cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpuset-cpus cpuset-mems debug details device device-cgroup-rule device-read-bps
  device-read-iops device-write-bps device-write-iops disable-content-trust dns-opt dns-option dns-search domainname gpus group-add health-cmd
  health-interval health-retries health-start-interval health-start-period health-timeout host internal io-maxbandwidth io-maxiops ip ip-range
  ip6 ipam-driver ipam-opt ipc ipv4 ipv6 isolation kernel-memory label-file link link-local-ip log-driver log-opt mac-address memory-reservation
  memory-swap memory-swappiness mount net net-alias network-alias no-healthcheck oom-kill-disable oom-score-adj os-features pid platform restart
  runtime scope security-opt sig-proxy signal storage-opt sysctl tree use-api-socket userns uts verbose volume-driver volumes volumes-from`.split(
    /\s+/,
  ),
);

/** Whether Docker has a command of these words. */
export function dockerHasCommand(words: string): boolean {
  const parts = words.split(' ');
  const last = parts.pop() ?? '';
  const group = parts.join(' ');
  if (group === '') return COMMANDS.has(last);
  return Object.hasOwn(IN_GROUPS, group) && (IN_GROUPS[group] ?? '').split(' ').includes(last);
}

const SWARM = 'slipway runs on one machine and knows no swarm';
const ONE_BUILDER = 'slipway builds on this machine: its one builder is called default';
const REASONS: Readonly<Record<string, string>> = {
  config: SWARM,
  'dial-stdio': 'there is no daemon to talk to',
  node: SWARM,
  open: 'slipway builder history inspect shows the build here',
  secret: SWARM,
  service: SWARM,
  stack: SWARM,
  swarm: SWARM,
};

/** Why a command of Docker is missing, where there is more to say than that. */
export function whyMissing(words: string): string | undefined {
  if (/^build(?:er|x) (?:create|rm)$/.test(words)) return ONE_BUILDER;
  const last = words.split(' ').at(-1) ?? '';
  return Object.hasOwn(REASONS, last) ? REASONS[last] : undefined;
}

/** Whether one of Docker's commands has this flag, without its dashes. */
export const dockerHasFlag = (name: string): boolean => FLAGS.has(name);
