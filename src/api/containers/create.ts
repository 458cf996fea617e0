// `POST /containers/create`: Docker's configuration of a container as a request to the engine. Every field is honoured, or refused with a
// reason; those that have no meaning on Linux, or that only clients use, are named here and left.
import { isAbsolute } from 'node:path';
import { type ContainerRequest, isNamespacedSysctl, parsePortSpec, parseVolume } from '../../engine/index.ts';
import { type Healthcheck, parsePlatform, SlipwayError } from '../../model/index.ts';
import { parseBytes } from '../../util/index.ts';
import { Fields } from '../http/fields.ts';
import { limitsOf } from './limits.ts';
import { mountOf } from './mounts.ts';
import { networkingOf } from './networking.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @throws SlipwayError invalid-argument */
export function requestOf(
  body: Fields,
  o: { readonly name?: string | undefined; readonly platform?: string | undefined },
): ContainerRequest {
  const h = body.object('HostConfig') ?? Fields.of({});
  const image = body.word('Image');
  if (image === undefined) throw invalid('config cannot be empty in order to create a container');
  refuseUnsupported(h);
  if (o.platform !== undefined) parsePlatform(o.platform);
  const openStdin = body.flag('OpenStdin') === true;
  const { volumes, tmpfs } = mountsOf(body, h);
  const entrypoint = body.words('Entrypoint');
  const consoleSize = consoleSizeOf(h);
  const limits = limitsOf(h);
  const autoRemove = h.flag('AutoRemove') === true;
  if (autoRemove && limits.restart !== undefined && limits.restart.name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
  const optional: Partial<Mutable<ContainerRequest>> = {
    ...given({
      name: o.name,
      platform: o.platform,
      workdir: body.word('WorkingDir'),
      user: body.word('User'),
      hostname: body.word('Hostname'),
      domainname: body.word('Domainname'),
      stopSignal: body.word('StopSignal'),
      stopTimeout: body.number('StopTimeout'),
      shmSize: h.amount('ShmSize'),
      ipc: h.word('IpcMode'),
      pid: h.word('PidMode'),
      uts: h.word('UTSMode'),
      userns: h.word('UsernsMode'),
      cgroupns: h.word('CgroupnsMode'),
      oomScoreAdj: h.amount('OomScoreAdj'),
      dnsOptions: some(h.texts('DnsOptions')),
      dnsSearch: some(h.texts('DnsSearch')),
      groups: some(h.texts('GroupAdd')),
      volumesFrom: some(h.texts('VolumesFrom')),
      devices: some(h.objects('Devices').map(deviceOf)),
      sysctls: sysctlsOf(h),
      logLimit: logLimitOf(h.object('LogConfig')),
      consoleSize,
      // docker sends [''] to clear that of the image
      entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? [] : some(entrypoint),
    }),
    ...(h.flag('Init') === true && { init: true }),
    ...healthOf(body.object('Healthcheck')),
    ...securityOf(h.texts('SecurityOpt') ?? []),
    ...limits,
  };
  return {
    image,
    args: body.words('Cmd') ?? [],
    env: body.texts('Env') ?? [],
    tty: body.flag('Tty') === true,
    openStdin,
    stdinOnce: body.flag('StdinOnce') === true,
    attached: (['stdin', 'stdout', 'stderr'] as const).filter((one) => body.flag(`Attach${one}`) === true),
    labels: body.pairs('Labels') ?? {},
    ports: (h.entries('PortBindings') ?? []).flatMap(([port, bindings]) => portsOf(port, bindings)),
    publishAll: h.flag('PublishAllPorts') === true,
    expose: (body.entries('ExposedPorts') ?? []).map(([port]) => port),
    volumes,
    tmpfs,
    ...(body.flag('NetworkDisabled') === true
      ? { network: 'none' }
      : networkingOf(h.text('NetworkMode') ?? '', body.object('NetworkingConfig'), body.word('MacAddress'))),
    addHosts: h.texts('ExtraHosts') ?? [],
    dns: h.texts('Dns') ?? [],
    autoRemove,
    readonlyRootfs: h.flag('ReadonlyRootfs') === true,
    privileged: h.flag('Privileged') === true,
    capAdd: h.texts('CapAdd') ?? [],
    capDrop: h.texts('CapDrop') ?? [],
    ulimits: h.objects('Ulimits').map((u) => ({ name: u.text('Name') ?? '', soft: u.number('Soft') ?? 0, hard: u.number('Hard') ?? 0 })),
    ...optional,
  };
}

const given = <T extends object>(o: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };

const some = <T>(list: readonly T[] | undefined): readonly T[] | undefined => (list !== undefined && list.length > 0 ? list : undefined);

function refuseUnsupported(h: Fields): void {
  h.refuse({
    Cgroup: 'control groups are not shared',
    Links: 'containers of a network find each other by name',
    StorageOpt: 'a container may use what the store has',
    Annotations: 'the runtime gets none',
  });
  for (const name of ['MaskedPaths', 'ReadonlyPaths'])
    if (h.raw(name) !== undefined && !isUsual(name, h.texts(name) ?? []))
      throw invalid(`${name} is not supported: --privileged runs a container without masked paths`);
  const runtime = h.word('Runtime');
  if (runtime !== undefined && !['crun', 'runc', 'io.containerd.runc.v2'].includes(runtime))
    throw invalid(`unknown or invalid runtime name: ${runtime}`);
  if (!['', 'default'].includes(h.text('Isolation') ?? ''))
    throw invalid(`invalid isolation ${JSON.stringify(h.text('Isolation'))} on linux`);
  if (!['', 'local'].includes(h.text('VolumeDriver') ?? ''))
    throw new SlipwayError(
      'not-found',
      'api.no-driver',
      `error looking up volume plugin ${h.text('VolumeDriver')}: plugin ${JSON.stringify(h.text('VolumeDriver'))} not found`,
    );
}

/** What `inspect` shows of them, which some clients send back. */
const isUsual = (name: string, paths: readonly string[]): boolean =>
  paths.length > 0 && paths.includes(name === 'MaskedPaths' ? '/proc/kcore' : '/proc/sysrq-trigger');

function mountsOf(body: Fields, h: Fields): Pick<ContainerRequest, 'volumes' | 'tmpfs'> {
  const mounts = h.objects('Mounts').map(mountOf);
  const volumes = [...(h.texts('Binds') ?? []).map(parseVolume), ...mounts.flatMap((m) => ('volume' in m ? [m.volume] : []))];
  const tmpfs = [
    ...Object.entries(h.pairs('Tmpfs') ?? {}).map(([path, options]) => (options === '' ? path : `${path}:${options}`)),
    ...mounts.flatMap((m) => ('tmpfs' in m ? [m.tmpfs] : [])),
  ];
  const taken = new Set([...volumes.map((v) => v.destination), ...tmpfs.map((t) => t.split(':')[0])]);
  for (const [destination] of body.entries('Volumes') ?? []) if (!taken.has(destination)) volumes.push(parseVolume(destination));
  return { volumes, tmpfs };
}

/** Of one port of the container all that it is published as. */
function portsOf(port: string, bindings: unknown): ContainerRequest['ports'] {
  if (bindings === null) return parsePortSpec(port);
  const list = Fields.of({ [port]: bindings }, 'HostConfig.PortBindings').objects(port);
  return (list.length === 0 ? [Fields.of({})] : list).flatMap((b) => {
    const ip = b.text('HostIp') ?? '';
    const host = b.text('HostPort') ?? '';
    const address = ip.includes(':') ? `[${ip}]` : ip;
    return parsePortSpec(
      address === '' ? (host === '' || host === '0' ? port : `${host}:${port}`) : `${address}:${host === '0' ? '' : host}:${port}`,
    );
  });
}

function deviceOf(d: Fields): NonNullable<ContainerRequest['devices']>[number] {
  const source = d.word('PathOnHost') ?? '';
  const destination = d.word('PathInContainer') ?? source;
  const permissions = d.word('CgroupPermissions') ?? 'rwm';
  for (const path of [source, destination]) if (!isAbsolute(path)) throw invalid(`${path} is not an absolute path`);
  if (!/^[rwm]{1,3}$/.test(permissions)) throw invalid(`bad mode specified: ${permissions}`);
  return { source, destination, permissions };
}

function sysctlsOf(h: Fields): Record<string, string> | undefined {
  const sysctls = h.pairs('Sysctls') ?? {};
  const wrong = Object.keys(sysctls).find((name) => !isNamespacedSysctl(name));
  if (wrong !== undefined) throw invalid(`sysctl '${wrong}' is not allowed`);
  return Object.keys(sysctls).length === 0 ? undefined : sysctls;
}

/** Of Docker's options for logs those that have an effect here. */
function logLimitOf(log: Fields | undefined): number | undefined {
  const type = log?.word('Type') ?? 'json-file';
  if (type !== 'json-file') throw invalid(`error looking up logging plugin ${type}: no log driver named '${type}' is registered`);
  let limit: number | undefined;
  for (const [key, value] of Object.entries(log?.pairs('Config') ?? {})) {
    const bytes = parseBytes(value);
    if (key === 'max-size' && bytes !== undefined && bytes > 0) limit = bytes;
    else if (key !== 'max-file' || value !== '1') throw invalid(`unknown log opt '${key}' for json-file log driver`);
  }
  return limit;
}

function consoleSizeOf(h: Fields): ContainerRequest['consoleSize'] {
  const size = h.raw('ConsoleSize');
  if (!Array.isArray(size) || size.length !== 2 || !size.every((n) => Number.isInteger(n) && n > 0 && n < 65_536)) return undefined;
  return { height: size[0] as number, width: size[1] as number };
}

const TIMES = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const;

function healthOf(check: Fields | undefined): Pick<ContainerRequest, 'health' | 'noHealthcheck'> {
  if (check === undefined) return {};
  const test = some(check.texts('Test')) as string[] | undefined;
  if (test?.[0] === 'NONE') return { noHealthcheck: true };
  const health: Healthcheck = {};
  if (test !== undefined) health.Test = test;
  for (const name of TIMES) {
    const time = check.amount(name);
    if (time === undefined) continue;
    if (time < 1e6) throw invalid(`${name} in Healthcheck cannot be less than 1ms`);
    health[name] = time;
  }
  const retries = check.amount('Retries');
  if (retries !== undefined && retries < 0) throw invalid('Retries in Healthcheck cannot be negative');
  if (retries !== undefined) health.Retries = retries;
  return { health };
}

function securityOf(options: readonly string[]): Pick<ContainerRequest, 'noNewPrivileges' | 'seccomp'> {
  let found: Pick<ContainerRequest, 'noNewPrivileges' | 'seccomp'> = {};
  for (const option of options) {
    const [name = '', value] = option.split(/[=:](.*)/s);
    if (name === 'no-new-privileges' && [undefined, 'true'].includes(value)) found = { ...found, noNewPrivileges: true };
    else if (name === 'no-new-privileges' && value === 'false') found = { ...found, noNewPrivileges: false };
    else if (name === 'seccomp' && value === 'unconfined') found = { ...found, seccomp: value };
    else if (name === 'seccomp' && value !== undefined && value !== 'builtin') found = { ...found, seccomp: profileOf(value) };
    else if (name !== 'label' && !(name === 'seccomp' && value === 'builtin')) throw unknownSecurity(name, option);
  }
  return found;
}

const unknownSecurity = (name: string, option: string): SlipwayError =>
  invalid(
    ['apparmor', 'writable-cgroups'].includes(name)
      ? `--security-opt ${name} is not supported`
      : `invalid --security-opt 2: ${JSON.stringify(option)}`,
  );

/** Clients read the file, and send what is in it. */
function profileOf(text: string): string {
  try {
    const profile = JSON.parse(text) as unknown;
    Fields.of(profile);
    return JSON.stringify(profile);
  } catch {
    throw invalid('Decoding seccomp profile failed: it is no JSON object');
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.container', message);
