// A container in Docker's JSON (ContainerInspect), and the parts of it that lists show too.
import {
  type Container,
  containerSizes,
  type Engine,
  inspectContainer,
  mountsJson,
  networksJson,
  type Snapshotter,
} from '../engine/index.ts';
import { sha256Hex } from '../util/index.ts';
import { networkId, networks } from './networks.ts';

/** As Docker calls what does the same. */
export const graphDriver = ({ driver }: Snapshotter): string => (driver === 'overlay' ? 'overlay2' : 'vfs');

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
