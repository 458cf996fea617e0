// The flags of commands that have many, in groups, as help and the reference show them.
import type { Command, Option } from './command.ts';

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly Option[];
}

/** With fewer flags than this an alphabet is a quicker way to one. */
const MANY = 16;

type Titles = Readonly<Record<string, string>>;

const OF_CONTAINERS: Titles = {
  Container:
    'name detach rm cidfile platform pull quiet restart init entrypoint workdir user group-add env env-file label label-file disable-content-trust',
  'Terminal and streams': 'interactive tty attach detach-keys sig-proxy log-driver log-opt',
  Network: 'network network-alias publish publish-all expose ip mac-address hostname domainname add-host dns dns-option dns-search',
  'Files and volumes': 'volume mount tmpfs volumes-from read-only shm-size device',
  'Limits of resources':
    'memory memory-reservation memory-swap cpus cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems blkio-weight pids-limit oom-score-adj ulimit',
  'Privileges and namespaces': 'privileged cap-add cap-drop security-opt sysctl userns pid ipc uts cgroupns',
  'Health and end':
    'health-cmd health-interval health-retries health-start-interval health-start-period health-timeout no-healthcheck stop-signal stop-timeout',
};

const OF_BUILDS: Titles = {
  'What is built': 'file target build-arg build-context platform tag label annotation',
  'What becomes of it': 'output push load iidfile metadata-file attest provenance sbom reproducible verify squash squash-all squash-stage',
  Cache: 'cache-from cache-to no-cache no-cache-filter pull lock disable-content-trust',
  'What steps may use': 'secret ssh allow network add-host volume shm-size ulimit jobs builder',
  'Limits of steps': 'memory memory-swap cpus cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems',
  'Look without building': 'plan list-context check call format',
  'Tests, progress and reasons': 'test test-output progress quiet explain ui compare debug debug-log',
  'Original engine only': 'rm force-rm',
};

/** The first table that knows all flags of a command is its own. */
const TABLES: readonly ReadonlyMap<string, readonly string[]>[] = [OF_CONTAINERS, OF_BUILDS].map(
  (titles) => new Map(Object.entries(titles).map(([title, names]) => [title, names.split(' ')])),
);

/** The flags that help shows: in one group without a title where there are few. */
export function optionGroups({ options }: Command): OptionGroup[] {
  const shown = options.filter((o) => !o.hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (shown.length === 0) return [];
  const table =
    shown.length < MANY
      ? undefined
      : TABLES.find((titles) => shown.every((o) => [...titles.values()].some((names) => names.includes(o.name))));
  if (table === undefined) return [{ title: '', options: shown }];
  // the order of the table, in which what is used most comes first
  return [...table].flatMap(([title, names]) => {
    const group = names.flatMap((name) => shown.find((o) => o.name === name) ?? []);
    return group.length === 0 ? [] : [{ title, options: group }];
  });
}
