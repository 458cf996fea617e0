// A container in Docker's JSON (ContainerInspect), and the parts of it that lists show too.
import {
  type Container,
  containerSizes,
  type Engine,
  inspectContainer,
  MASKED_PATHS,
  READONLY_PATHS,
  mountsJson,
  networksJson,
  type Snapshotter,
} from '../engine/index.ts';
import { sha256Hex } from '../util/index.ts';
import { networkId, networks } from './networks.ts';

/** As Docker calls what does the same. */
export const graphDriver = ({ driver }: Snapshotter): string => (driver === 'copy' ? 'vfs' : 'overlay2');

export async function containerJson(engine: Engine, c: Container, o: { readonly size: boolean }): Promise<Record<string, unknown>> {
  const { snapshots, layout } = engine;
  const sizes = o.size ? containerSizes(engine, c) : undefined;
  return {
    ...inspectContainer(c, {
      layout,
      runtime: (await engine.runtime()).name,
      driver: graphDriver(snapshots),
      folders: snapshots.folders(c.snapshotId),
    }),
    ...(sizes && { SizeRw: sizes.written, SizeRootFs: sizes.total }),
  };
}

/** What clients of the API look for and nothing here can be set to. */
const NEVER_SET = {
  ContainerIDFile: '',
  VolumeDriver: '',
  Cgroup: '',
  Links: null,
  Isolation: '',
  CgroupParent: '',
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemorySwappiness: null,
  OomKillDisable: false,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

/** Of networks with addresses of IPv6, or of bridges that containers do not have. */
const NO_NETWORK = {
  Bridge: '',
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPv6Gateway: '',
};

/** A container as the API answers with it: every field of Docker's. */
export async function containerAnswer(engine: Engine, c: Container, o: { readonly size: boolean }): Promise<Record<string, unknown>> {
  const json = await containerJson(engine, c, o);
  const part = (name: string): Record<string, unknown> => json[name] as Record<string, unknown>;
  const networks = await endpointsJson(engine, c);
  const first = Object.values(networks)[0] as { readonly EndpointID?: string } | undefined;
  const { consoleSize, privileged } = c.request;
  return {
    ...json,
    HostConfig: {
      ...part('HostConfig'),
      ...NEVER_SET,
      ConsoleSize: [consoleSize?.height ?? 0, consoleSize?.width ?? 0],
      MaskedPaths: privileged ? null : MASKED_PATHS,
      ReadonlyPaths: privileged ? null : READONLY_PATHS,
    },
    NetworkSettings: {
      ...part('NetworkSettings'),
      ...NO_NETWORK,
      SandboxID: c.state.status === 'running' ? c.id : '',
      EndpointID: first?.EndpointID ?? '',
      Networks: networks,
    },
  };
}

/** What a client of the API finds in the networks of a container besides. */
export async function endpointsJson(engine: Engine, c: Container): Promise<Record<string, unknown>> {
  const all = await networks(engine);
  return Object.fromEntries(
    Object.entries(networksJson(c)).map(([name, endpoint]) => {
      const id = networkId(all, name);
      const isRunning = c.state.status === 'running';
      const more = { DriverOpts: null, GwPriority: 0, NetworkID: id, EndpointID: isRunning ? endpointId(id, c) : '' };
      return [name, { ...endpoint, ...more, IPv6Gateway: '', GlobalIPv6Address: '', GlobalIPv6PrefixLen: 0 }];
    }),
  );
}

const endpointId = (network: string, c: Container): string => sha256Hex(`${network}${c.id}`);

export const containerMounts = mountsJson;
