// Networks by name, in the database: the default one, made at first use, and those that users make.
import { networkInterfaces } from 'node:os';
import { SlipwayError } from '../model/index.ts';
import { type Database, type Layout, recordEvent, type Sql } from '../store/index.ts';
import { randomId, sha256Hex } from '../util/index.ts';
import { type AddressPlan, checkPlan, defaultGateway, readOptions } from './ipam.ts';
import { formatSubnet, freeSubnet, hostRoutes, overlaps, parseSubnet } from './subnets.ts';
import type { NetworkInfo } from './types.ts';

export const DEFAULT_NETWORK = 'bridge';
const RESERVED = new Set([DEFAULT_NETWORK, 'default', 'host', 'none']);
/** A second store on the same machine has a bridge of its own. */
const DEFAULT_RUN = '/run/slipway';

export interface CreateNetwork extends AddressPlan {
  readonly name: string;
  readonly internal?: boolean;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export class Networks {
  readonly #layout: Layout;
  readonly #db: Database;

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#db = db;
  }

  list(): NetworkInfo[] {
    return this.#db
      .read((sql) => sql.all<{ json: string }>('SELECT json FROM networks ORDER BY name'))
      .map(({ json }) => JSON.parse(json) as NetworkInfo);
  }

  /** By name, id or the beginning of an id. */
  get(name: string): NetworkInfo | undefined {
    const wanted = name === 'default' ? DEFAULT_NETWORK : name;
    const all = this.list();
    return all.find((network) => network.name === wanted) ?? all.find((network) => network.id.startsWith(wanted));
  }

  /** The default one is made when it is not there. Throws not-found 'network.not-found'. */
  require(name: string): NetworkInfo {
    const found = this.get(name);
    if (found !== undefined) return found;
    if (name !== DEFAULT_NETWORK && name !== 'default')
      throw new SlipwayError('not-found', 'network.not-found', `network ${name} not found`);
    return this.#insert(this.#make({ name: DEFAULT_NETWORK }, defaultBridge(this.#layout)));
  }

  /** Throws already-exists 'network.exists', invalid-argument, failed-precondition 'network.no-subnet'. */
  create(o: CreateNetwork): NetworkInfo {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(o.name))
      throw new SlipwayError('invalid-argument', 'network.invalid-name', `invalid network name: ${o.name}`);
    if (RESERVED.has(o.name))
      throw new SlipwayError('failed-precondition', 'network.predefined', `operation is not permitted on predefined ${o.name} network`);
    if (this.list().some((network) => network.name === o.name))
      throw new SlipwayError('already-exists', 'network.exists', `network with name ${o.name} already exists`);
    checkPlan(o);
    const { bridge } = readOptions(o.options ?? {});
    if (bridge !== undefined && (networkInterfaces()[bridge] !== undefined || this.list().some((network) => network.bridge === bridge)))
      throw new SlipwayError('conflict', 'network.bridge-in-use', `an interface or network has the bridge name ${bridge} already`);
    return this.#insert(this.#make(o, undefined));
  }

  delete(network: NetworkInfo): void {
    this.#db.removal((sql) => {
      sql.run('DELETE FROM networks WHERE name = ?', network.name);
      report(sql, network, 'destroy');
    });
  }

  /**
   * A host changes its routes: before the bridge of an unused network is made anew, its subnet must still be free. The default
   * network moves to another; one with a subnet of the user's keeps it. Throws conflict 'network.subnet-in-use'.
   */
  relocate(network: NetworkInfo): NetworkInfo {
    const subnet = parseSubnet(network.subnet);
    if (!hostRoutes(network.bridge).some((route) => overlaps(route, subnet))) return network;
    if (network.name !== DEFAULT_NETWORK)
      throw new SlipwayError(
        'conflict',
        'network.subnet-in-use',
        `the subnet ${network.subnet} of network ${network.name} overlaps with a route of this host`,
      );
    const moved = { ...network, ...this.#addresses({}) };
    this.#db.removal((sql) => {
      sql.run('UPDATE networks SET json = ? WHERE name = ?', JSON.stringify(moved), network.name);
      sql.run('DELETE FROM network_leases WHERE network = ?', network.name);
    });
    return moved;
  }

  #make(o: CreateNetwork, bridge: string | undefined): NetworkInfo {
    const id = randomId();
    const { bridge: own, ...rest } = readOptions(o.options ?? {});
    return {
      id,
      name: o.name,
      driver: 'bridge',
      bridge: bridge ?? own ?? `slw-${id.slice(0, 10)}`,
      ...this.#addresses(o),
      ...(o.ipRange !== undefined && { ipRange: o.ipRange }),
      ...(Object.keys(o.auxAddresses ?? {}).length > 0 && { auxAddresses: o.auxAddresses }),
      ...(o.internal === true && { internal: true }),
      ...(o.options !== undefined && { options: o.options }),
      ...rest,
      dns: bridge === undefined,
      labels: o.labels ?? {},
      createdAt: Date.now(),
    };
  }

  #addresses({ subnet: wanted, gateway, ipRange }: AddressPlan): { subnet: string; gateway: string } {
    const others = this.list().map((network) => parseSubnet(network.subnet));
    const subnet = wanted === undefined ? freeSubnet([...hostRoutes(), ...others]) : parseSubnet(wanted);
    if (wanted !== undefined && others.some((other) => overlaps(other, subnet)))
      throw new SlipwayError(
        'conflict',
        'network.subnet-in-use',
        'invalid pool request: Pool overlaps with other one on this address space',
      );
    return { subnet: formatSubnet(subnet), gateway: gateway ?? defaultGateway(subnet, ipRange) };
  }

  #insert(network: NetworkInfo): NetworkInfo {
    this.#db.transaction((sql) => {
      sql.run('INSERT INTO networks (name, json) VALUES (?, ?)', network.name, JSON.stringify(network));
      if (network.name !== DEFAULT_NETWORK) report(sql, network, 'create');
    });
    return network;
  }
}

const report = (sql: Sql, { id, name, driver }: NetworkInfo, action: 'create' | 'destroy'): void =>
  recordEvent(sql, { type: 'network', action, actor: id, attributes: { name, type: driver } });

function defaultBridge(layout: Layout): string {
  return layout.run === DEFAULT_RUN ? 'slipway0' : `slipway-${sha256Hex(layout.run).slice(0, 6)}`;
}
