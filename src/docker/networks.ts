// Networks in Docker's JSON: those of the store, and the three that always exist.
import { attachmentsOf, type Container, type Engine, hasLabels, networkNames, type NetworkInfo } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { sha256Hex } from '../util/index.ts';

/** A network as lists show it; `info` is missing for those that have no bridge. */
export interface ListedNetwork {
  readonly name: string;
  readonly id: string;
  readonly driver: 'bridge' | 'host' | 'null';
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly info?: NetworkInfo;
}

/** The networks of the store, and the three that always exist. */
export async function networks(engine: Engine): Promise<ListedNetwork[]> {
  const made = (await engine.network()).list().map((n): ListedNetwork => ({ ...n, info: n }));
  const always = (name: string, driver: ListedNetwork['driver']): ListedNetwork => ({
    name,
    driver,
    id: sha256Hex(`${engine.layout.root}\0network\0${name}`),
    createdAt: 0,
    labels: {},
  });
  const bridge = made.some((n) => n.name === 'bridge') ? [] : [always('bridge', 'bridge')];
  return [...made, ...bridge, always('host', 'host'), always('none', 'null')].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const isPredefined = (n: ListedNetwork): boolean => ['bridge', 'host', 'none'].includes(n.name);

/** By name, ID or the beginning of an ID. */
export const networkNamed = (all: readonly ListedNetwork[], ref: string): ListedNetwork | undefined =>
  all.find((n) => n.name === ref) ?? all.find((n) => n.id === ref) ?? (ref === '' ? undefined : all.find((n) => n.id.startsWith(ref)));

export const networkId = (all: readonly ListedNetwork[], name: string): string => networkNamed(all, name)?.id ?? '';

async function runningIn(engine: Engine, network?: string): Promise<Container[]> {
  const containers = await engine.containers();
  await containers.reconcile();
  return containers.records
    .all()
    .filter((c) => c.state.status === 'running' && (network === undefined || networkNames(c).includes(network)));
}

export async function networkJson(engine: Engine, n: ListedNetwork): Promise<Record<string, unknown>> {
  const { info } = n;
  const members = (await runningIn(engine, n.name)).map((c) => {
    const got = attachmentsOf(c).find((one) => one.network === n.name);
    return [
      c.id,
      {
        Name: c.name,
        EndpointID: sha256Hex(`${n.id}${c.id}`),
        MacAddress: got?.mac ?? '',
        IPv4Address: got === undefined ? '' : `${got.ip}/${got.prefixLength}`,
        IPv6Address: '',
      },
    ];
  });
  return {
    Name: n.name,
    Id: n.id,
    Created: new Date(n.createdAt).toISOString(),
    Scope: 'local',
    Driver: n.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Options: isPredefined(n) ? null : {},
      Config:
        info === undefined
          ? null
          : [
              {
                Subnet: info.subnet,
                ...(info.ipRange !== undefined && { IPRange: info.ipRange }),
                Gateway: info.gateway,
                ...(info.auxAddresses !== undefined && { AuxiliaryAddresses: info.auxAddresses }),
              },
            ],
    },
    Internal: info?.internal === true,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(members),
    Options: info !== undefined && isPredefined(n) ? { 'com.docker.network.bridge.name': info.bridge } : (info?.options ?? {}),
    Labels: n.labels,
  };
}

export const NETWORK_FILTERS: ReadonlySet<string> = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);

/**
 * The networks that filters mean. `dangling`: that no running container uses, and that were made.
 * @throws SlipwayError invalid-argument `filter.network`
 */
export async function matchingNetworks(
  engine: Engine,
  filters: ReadonlyMap<string, readonly string[]>,
  dangling: readonly boolean[] | undefined,
): Promise<ListedNetwork[]> {
  const wrong = filters.get('type')?.find((t) => t !== 'custom' && t !== 'builtin');
  if (wrong !== undefined) throw new SlipwayError('invalid-argument', 'filter.network', `invalid filter: 'type'='${wrong}'`);
  const used = new Set((await runningIn(engine)).flatMap(networkNames));
  const asked = (key: string, test: (value: string) => boolean): boolean => filters.get(key)?.some(test) ?? true;
  return (await networks(engine)).filter(
    (n) =>
      asked('name', (v) => n.name.includes(v)) &&
      asked('id', (v) => n.id.startsWith(v)) &&
      asked('driver', (v) => n.driver === v) &&
      asked('scope', (v) => v === 'local') &&
      asked('type', (v) => (v === 'builtin') === isPredefined(n)) &&
      (dangling?.includes(!isPredefined(n) && !used.has(n.name)) ?? true) &&
      hasLabels(n.labels, filters.get('label') ?? []),
  );
}
