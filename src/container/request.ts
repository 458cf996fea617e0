// What a request is when nothing is asked for, and Docker's notations for parts of one: `-v`. Pure; the words of refusal are Docker's.
import { isAbsolute, join, normalize } from 'node:path';
import { signalNumber, SlipwayError } from '../model/index.ts';
import { checkLimits } from './limits.ts';
import { checkNamespaces } from './namespaces.ts';
import type { ContainerRequest, VolumeRequest } from './types.ts';

/** A request that asks for nothing but a container of `image`: each wish replaces one of these. */
export const PLAIN_REQUEST: Omit<ContainerRequest, 'image'> = {
  args: [],
  env: [],
  tty: false,
  openStdin: false,
  labels: {},
  ports: [],
  publishAll: false,
  expose: [],
  volumes: [],
  tmpfs: [],
  network: 'bridge',
  addHosts: [],
  dns: [],
  autoRemove: false,
  readonlyRootfs: false,
  privileged: false,
  capAdd: [],
  capDrop: [],
  ulimits: [],
};

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** Labels for SELinux and caching hints for other systems: nothing to be done about them here, as in Docker itself. */
const WITHOUT_EFFECT = new Set(['z', 'Z', 'consistent', 'cached', 'delegated']);

/** Settings of the kernel that belong to a namespace; others are those of the whole machine. */
const SYSCTLS =
  /^(?:kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname)|net\.[\w./-]+|fs\.mqueue\.[\w./-]+)$/;

export const isNamespacedSysctl = (name: string): boolean => SYSCTLS.test(name);

/** Refuses what no container can be. `cpus`: how many this machine has. @throws SlipwayError `container.invalid-request` */
export function checkRequest(r: ContainerRequest, cpus: number): void {
  if (r.workdir !== undefined && !isAbsolute(r.workdir))
    throw invalid(`the working directory '${r.workdir}' is invalid, it needs to be an absolute path`);
  checkNamespaces(r);
  checkLimits(r, cpus);
  if ((r.networkAliases ?? []).length > 0 && (['bridge', 'none', 'host'].includes(r.network) || r.network.startsWith('container:')))
    throw invalid('network-scoped aliases are only supported for user-defined networks');
  if (r.stopSignal !== undefined && signalNumber(r.stopSignal) === undefined) throw invalid(`invalid signal: ${r.stopSignal}`);
  for (const tmpfs of r.tmpfs) checkTmpfs(tmpfs);
  const taken = new Set<string>();
  for (const path of [...r.volumes.map((v) => v.destination), ...r.tmpfs.map((t) => t.split(':')[0] ?? '')]) {
    const destination = normalize(`${path}/`);
    if (taken.has(destination)) throw invalid(`Duplicate mount point: ${path}`);
    taken.add(destination);
  }
}

/** Options of a tmpfs: flags of mount(8), and what tmpfs(5) has of its own. */
const TMPFS_FLAGS = new Set(
  `defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime nodiratime bind rbind
  unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime strictatime nostrictatime`.split(/\s+/),
);
const TMPFS_VALUES = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

function checkTmpfs(spec: string): void {
  const [path = '', ...options] = spec.split(/[:,]/);
  if (!isAbsolute(path)) throw invalid(`invalid mount path: '${path}' mount path must be absolute`);
  for (const option of options.filter(Boolean)) {
    const [key = '', value] = option.split(/=(.*)/s);
    if (!(value === undefined ? TMPFS_FLAGS : TMPFS_VALUES).has(key)) throw invalid(`invalid tmpfs option ${JSON.stringify(key)}`);
  }
}

/** `destination`, `source:destination`, `source:destination:options`. A source that is no absolute path is a volume's name. */
export function parseVolume(spec: string): VolumeRequest {
  const parts = spec.split(':');
  const [first = '', second, third] = parts;
  if (spec === '') throw invalid('invalid empty volume spec');
  if (parts.length <= 3 && parts.includes('')) throw invalid(`invalid spec: ${spec}: empty section between colons`);
  if (parts.length > 3) throw invalid(`invalid volume specification: '${spec}'`);
  if (second !== undefined && !isAbsolute(second))
    throw invalid(
      `invalid volume specification: '${spec}': invalid mount config for type "${isAbsolute(first) ? 'bind' : 'volume'}": invalid mount path: '${second}' mount path must be absolute`,
    );
  // as in Docker, the path of an anonymous volume that is not absolute begins at the root
  const destination = second ?? join('/', first);
  if (normalize(destination).replace(/\/+$/, '') === '')
    throw invalid(`invalid volume specification: '${spec}': invalid mount config: destination can't be '/'`);
  if (second !== undefined && !isAbsolute(first) && first.includes('/')) {
    throw invalid(`invalid volume specification: '${spec}': "${first}" includes invalid characters for a local volume name`, [
      'a folder of this machine is given by its absolute path',
    ]);
  }
  let readonly = false;
  let noCopy = false;
  let propagation: string | undefined;
  for (const option of third?.split(',') ?? []) {
    if (option === 'ro' || option === 'readonly') readonly = true;
    else if (option === 'nocopy') noCopy = true;
    else if (PROPAGATIONS.has(option)) propagation = option;
    else if (option !== 'rw' && !WITHOUT_EFFECT.has(option)) throw invalid(`invalid mode: ${third ?? ''}`);
  }
  return {
    ...(second !== undefined && { source: isAbsolute(first) ? normalize(first) : first }),
    destination,
    readonly,
    ...(noCopy && { noCopy }),
    ...(propagation !== undefined && { propagation }),
  };
}

function invalid(message: string, hints: readonly string[] = []): SlipwayError {
  return new SlipwayError('invalid-argument', 'container.invalid-request', message, { exitCode: 125, hints });
}
