// Every field of Docker's configuration of a container is honoured or refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../http/fields.ts';
import { requestOf } from './create.ts';

const of = (body: object): ReturnType<typeof requestOf> => requestOf(Fields.of({ Image: 'tiny', ...body }), {});
const host = (HostConfig: object): ReturnType<typeof requestOf> => of({ HostConfig });

test('the configuration', () => {
  const r = requestOf(
    Fields.of({
      Image: 'tiny:1',
      Cmd: ['a', 'b'],
      Entrypoint: ['sh', '-c'],
      Env: ['A=1'],
      User: '1000',
      WorkingDir: '/w',
      Hostname: 'h',
      Domainname: 'd',
      Labels: { l: '1' },
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      StopSignal: 'SIGINT',
      StopTimeout: 3,
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Retries: 2 },
    }),
    { name: 'n', platform: 'linux/amd64' },
  );
  assert.deepEqual(
    { ...r, ports: [], addHosts: [] },
    {
      image: 'tiny:1',
      args: ['a', 'b'],
      env: ['A=1'],
      tty: true,
      openStdin: true,
      stdinOnce: true,
      attached: ['stdin', 'stdout'],
      labels: { l: '1' },
      ports: [],
      publishAll: false,
      expose: ['80/tcp'],
      volumes: [{ destination: '/data', readonly: false }],
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
      name: 'n',
      platform: 'linux/amd64',
      workdir: '/w',
      user: '1000',
      hostname: 'h',
      domainname: 'd',
      stopSignal: 'SIGINT',
      stopTimeout: 3,
      entrypoint: ['sh', '-c'],
      health: { Test: ['CMD', 'true'], Interval: 1e9, Retries: 2 },
    },
  );
});

test('what it may use of the machine', () => {
  const r = host({
    Memory: 1 << 26,
    NanoCpus: 5e8,
    PidsLimit: 10,
    CpusetCpus: '0',
    ShmSize: 1 << 20,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/x', CgroupPermissions: 'r' }],
    CapAdd: ['NET_ADMIN'],
    SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'],
    Sysctls: { 'net.ipv4.ip_forward': '1' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    Binds: ['/etc:/host:ro', 'named:/named'],
    Tmpfs: { '/t': 'size=1m' },
    Mounts: [
      { Type: 'bind', Source: '/etc', Target: '/b', ReadOnly: true },
      { Type: 'volume', Source: 'v', Target: '/v', VolumeOptions: { NoCopy: true, Labels: { a: 'b' } } },
      { Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: 4096, Mode: 0o700 } },
    ],
    ConsoleSize: [24, 80],
    Init: true,
  });
  assert.deepEqual(r.restart, { name: 'on-failure', maximumRetries: 3 });
  assert.deepEqual(r.ulimits, [{ name: 'nofile', soft: 1, hard: 2 }]);
  assert.deepEqual(r.devices, [{ source: '/dev/null', destination: '/dev/x', permissions: 'r' }]);
  assert.deepEqual([r.memory, r.nanoCpus, r.pidsLimit, r.cpusetCpus, r.shmSize, r.logLimit], [1 << 26, 5e8, 10, '0', 1 << 20, 1 << 20]);
  assert.deepEqual([r.noNewPrivileges, r.seccomp, r.init], [true, 'unconfined', true]);
  assert.deepEqual(r.consoleSize, { height: 24, width: 80 });
  assert.deepEqual(r.tmpfs, ['/t:size=1m', '/m:size=4096,mode=700']);
  assert.deepEqual(r.volumes, [
    { source: '/etc', destination: '/host', readonly: true },
    { source: 'named', destination: '/named', readonly: false },
    { source: '/etc', destination: '/b', readonly: true, mustExist: true, byMount: true },
    { source: 'v', destination: '/v', readonly: false, noCopy: true, labels: { a: 'b' }, byMount: true },
  ]);
});

test('a seccomp profile is what a client sends of it', () => {
  const { seccomp } = host({ SecurityOpt: ['seccomp={\n "defaultAction": "SCMP_ACT_ALLOW"\n}'] });
  assert.equal(seccomp, '{"defaultAction":"SCMP_ACT_ALLOW"}');
});

test('ports', () => {
  const ports = (PortBindings: object): unknown => host({ PortBindings }).ports;
  const port = { containerPort: 80, protocol: 'tcp' };
  assert.deepEqual(ports({ '80/tcp': [{ HostIp: '', HostPort: '8080' }] }), [{ ...port, hostIp: '', hostPort: 8080 }]);
  assert.deepEqual(ports({ '80/tcp': [{ HostIp: '127.0.0.1' }] }), [{ ...port, hostIp: '127.0.0.1', hostPort: 0 }]);
  assert.deepEqual(ports({ '80/tcp': null }), [{ ...port, hostIp: '', hostPort: 0 }]);
  assert.deepEqual(ports({ '80/tcp': [{ HostPort: '0' }] }), [{ ...port, hostIp: '', hostPort: 0 }]);
  assert.deepEqual(ports({ '80/tcp': [{ HostPort: '8000-8005' }] }), [{ ...port, hostIp: '', hostPort: 8000, hostPortEnd: 8005 }]);
});

test('networks', () => {
  const networking = (NetworkMode: string, EndpointsConfig?: object): unknown => {
    const { network, endpoints, networkAliases } = of({ HostConfig: { NetworkMode }, NetworkingConfig: { EndpointsConfig } });
    return [network, ...(endpoints ?? []), ...(networkAliases ?? [])];
  };
  assert.deepEqual(networking('default', { default: {} }), ['bridge']);
  assert.deepEqual(networking('app', { app: { Aliases: ['db'] } }), ['app', 'db']);
  assert.deepEqual(networking('app', { app: { IPAMConfig: { IPv4Address: '10.0.0.5' } }, more: null }), [
    'app',
    { network: 'app', ip: '10.0.0.5' },
    { network: 'more' },
  ]);
  assert.deepEqual(networking('container:x'), ['container:x']);
  assert.throws(() => networking('app', { app: { IPAMConfig: { IPv6Address: '::1' } } }), /IPv6Address is not supported/);
});

test('what cannot be honoured is refused', () => {
  for (const [HostConfig, message] of [
    [{ Links: ['a:b'] }, /HostConfig\.Links is not supported/],
    [{ CgroupParent: '/x' }, /CgroupParent is not supported/],
    [{ DeviceRequests: [{ Count: -1 }] }, /DeviceRequests is not supported/],
    [{ OomKillDisable: true }, /OomKillDisable is not supported/],
    [{ MemorySwappiness: 10 }, /MemorySwappiness is not supported/],
    [{ StorageOpt: { size: '1g' } }, /StorageOpt is not supported/],
    [{ MaskedPaths: [] }, /MaskedPaths is not supported/],
    [{ Runtime: 'kata' }, /unknown or invalid runtime name: kata/],
    [{ VolumeDriver: 'nfs' }, /error looking up volume plugin nfs/],
    [{ LogConfig: { Type: 'syslog' } }, /no log driver named 'syslog'/],
    [{ SecurityOpt: ['apparmor=unconfined'] }, /apparmor is not supported/],
    [{ SecurityOpt: ['seccomp=/etc/profile.json'] }, /Decoding seccomp profile failed/],
    [{ Sysctls: { 'vm.swappiness': '1' } }, /sysctl 'vm.swappiness' is not allowed/],
    [{ Mounts: [{ Type: 'image', Target: '/x' }] }, /mounts of images are not supported/],
    [{ Mounts: [{ Type: 'bind', Target: '/x' }] }, /field Source must not be empty/],
    [{ AutoRemove: true, RestartPolicy: { Name: 'always' } }, /can't create 'AutoRemove' container with restart policy/],
    [{ RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } }, /maximum retry count can only be used with 'on-failure'/],
  ] as const)
    assert.throws(() => host(HostConfig), message);
  // nothing of it is asked for by what clients send when it is not set
  host({
    Links: null,
    CgroupParent: '',
    DeviceRequests: null,
    OomKillDisable: false,
    MemorySwappiness: -1,
    StorageOpt: {},
    MaskedPaths: null,
  });
});
