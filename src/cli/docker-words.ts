// Commands and flags that Docker has and Slipway may not: for these the nearest word that Slipway has would mislead.

const COMMANDS = new Set(
  `attach bake checkpoint commit compose config context cp debug diff events info init logs model node pause plugin rename restart scout search
  secret service stack stats swarm top trust unpause update`.split(/\s+/),
);

/** The second words of Docker's groups. */
const IN_GROUPS: Readonly<Record<string, string>> = {
  builder: 'bake create dial-stdio imagetools inspect ls rm stop use',
  buildx: 'bake create dial-stdio inspect ls rm stop use',
  container: 'attach commit cp diff pause rename restart stats top unpause update',
  network: 'connect disconnect',
  system: 'dial-stdio events info',
  volume: 'update',
};

const FLAGS = new Set(
  `annotation attach blkio-weight blkio-weight-device cgroup-parent cgroupns cidfile compress config-only context cpu-count cpu-percent cpu-period
  cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpuset-cpus cpuset-mems debug details detach-keys device device-cgroup-rule device-read-bps
  device-read-iops device-write-bps device-write-iops disable-content-trust dns-opt dns-option dns-search domainname gpus group-add health-cmd
  health-interval health-retries health-start-interval health-start-period health-timeout host init internal io-maxbandwidth io-maxiops ip ip-range
  ip6 ipam-driver ipam-opt ipc ipv4 ipv6 isolation kernel-memory label-file link link-local-ip log-driver log-opt mac-address memory-reservation
  memory-swap memory-swappiness mount net net-alias network-alias no-healthcheck oom-kill-disable oom-score-adj os-features pid platform restart
  runtime scope security-opt sig-proxy signal storage-opt sysctl tree use-api-socket userns uts verbose volume-driver volumes volumes-from`.split(
    /\s+/,
  ),
);

/** Whether Docker has a command of these words. */
export function dockerHasCommand(words: string): boolean {
  const [first = '', second] = words.split(' ');
  if (second === undefined) return COMMANDS.has(first);
  return Object.hasOwn(IN_GROUPS, first) && (IN_GROUPS[first] ?? '').split(' ').includes(second);
}

/** Whether one of Docker's commands has this flag, without its dashes. */
export const dockerHasFlag = (name: string): boolean => FLAGS.has(name);
