// Joining network namespaces to networks and parting them again. One process at a time changes the host's network, under a
// lock; whatever is about to be set up is recorded first, so that it can be taken down whoever dies in between.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import type { Database, Layout } from '../store/index.ts';
import { RouteSocket, deleteNetworkNamespace, processAlive, processIdentity } from '../sys/index.ts';
import { aardvarkAdd, aardvarkRemove } from './aardvark.ts';
import { Bridges } from './bridge.ts';
import { type Published, currentRules, forwardedPorts } from './firewall.ts';
import { Changing } from './changing.ts';
import { reservePorts } from './host-ports.ts';
import { rangeOf } from './ipam.ts';
import { addVeth, addressNumber, deleteLink } from './links.ts';
import { DEFAULT_NETWORK, Networks } from './networks.ts';
import type { CreateNetwork } from './networks.ts';
import { crashPoint } from '../util/index.ts';
import { AttachmentRecords, isInUse } from './records.ts';
import type { AttachmentRecord } from './records.ts';
import { contains, freeAddress, parseSubnet } from './subnets.ts';
import type { AttachRequest, Attachment, Leftovers, NetworkInfo, PortMapping } from './types.ts';

export class NetworkManager {
  readonly #layout: Layout;
  readonly #changing: Changing;
  readonly #networks: Networks;
  readonly #records: AttachmentRecords;
  readonly #bridges: Bridges;

  constructor(layout: Layout, db: Database) {
    this.#layout = layout;
    this.#changing = new Changing(layout);
    this.#networks = new Networks(layout, db);
    this.#records = new AttachmentRecords(layout, db);
    this.#bridges = new Bridges(layout, this.#changing.onStart);
  }

  /**
   * Gives the namespace an `eth0` with an address and a way out, and publishes its ports. An older attachment of the same id is
   * replaced. Throws conflict 'port.allocated' / 'port.in-use', not-found 'network.not-found', failed-precondition when a
   * program or a feature of the kernel is missing; then nothing is left of it.
   */
  async attach(r: AttachRequest): Promise<Attachment> {
    using _lock = await this.#changing.begin(r.signal);
    for (const old of this.#records.list()) {
      if (old.id === r.id || (old.bound && !processAlive(old.by))) await this.#detach(old);
    }
    const network = await this.#prepare(r.network ?? DEFAULT_NETWORK);
    using reserved = await reservePorts(network.internal === true ? [] : (r.ports ?? []), async () =>
      forwardedPorts(await currentRules('nat')),
    );
    const { ports } = reserved;
    const ip = this.#records.lease(r.id, network.name, (used) => pickAddress(network, used, r.ip));
    const record: AttachmentRecord = {
      id: r.id,
      name: r.name,
      network: network.name,
      bridge: network.bridge,
      subnet: network.subnet,
      ip,
      ports,
      by: r.owner ?? processIdentity(),
      bound: r.owner !== undefined,
      dns: network.dns,
    };
    this.#records.put(record);
    crashPoint('network.recorded');
    try {
      const { mac, dns } = await this.#connect(r, network, record);
      this.#records.noteConnected(record, network);
      return {
        network: network.name,
        ip,
        prefixLength: parseSubnet(network.subnet).prefixLength,
        gateway: network.gateway,
        mac,
        dns,
        ports,
      };
    } catch (error) {
      await this.#detach(record).catch(() => {}); // what stays of it is detached by the next command
      throw error;
    }
  }

  /**
   * Takes down whatever `attach` has set up; the namespace may be gone. Does nothing when there is nothing. `shared`: others keep the
   * namespace, and with it an interface that would else go on answering.
   */
  async detach(id: string, o: { shared?: boolean } = {}): Promise<void> {
    using _lock = await this.#changing.begin();
    const record = this.#records.get(id);
    if (record === undefined) return;
    if (o.shared === true) {
      using socket = new RouteSocket();
      deleteLink(socket, linkName(id));
    }
    await this.#detach(record);
  }

  /** From now on others find it by `name`, and by `aliases` as before. Does nothing when there is no such attachment. */
  async rename(id: string, name: string, aliases: readonly string[]): Promise<void> {
    using _lock = await this.#changing.begin();
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#records.put({ ...record, name });
    const network = record.dns ? this.#networks.get(record.network) : undefined;
    if (network === undefined) return;
    const names = [...new Set([name, ...aliases])];
    aardvarkAdd(this.#namesFolder(), namesFile(network), network.gateway, { id, ip: record.ip, names });
  }

  /** Takes down what belongs to nobody any more: to containers that `isAlive` denies, and to processes that are gone. */
  async reap(isAlive: (id: string) => boolean): Promise<void> {
    if (!this.#records.list().some((record) => !isInUse(record, isAlive))) return;
    using _lock = await this.#changing.begin();
    for (const record of this.#records.list()) {
      if (!isInUse(record, isAlive)) await this.#detach(record);
    }
  }

  /** Published ports by container, as they are in force. */
  portsOf(id: string): readonly PortMapping[] {
    return this.#records.get(id)?.ports ?? [];
  }

  list(): NetworkInfo[] {
    return this.#networks.list();
  }

  get(name: string): NetworkInfo | undefined {
    return this.#networks.get(name);
  }

  async create(o: CreateNetwork): Promise<NetworkInfo> {
    using _lock = await this.#changing.begin();
    return this.#networks.create(o);
  }

  /** Throws not-found 'network.not-found', conflict 'network.in-use' while containers are attached. */
  async remove(name: string): Promise<void> {
    using _lock = await this.#changing.begin();
    const network = this.#networks.require(name);
    if (network.name === DEFAULT_NETWORK)
      throw new SlipwayError('failed-precondition', 'network.predefined', `${network.name} is a pre-defined network and cannot be removed`);
    const users = this.#records.list().filter((record) => record.network === network.name);
    if (users.length > 0) {
      throw new SlipwayError(
        'conflict',
        'network.in-use',
        `error while removing network: network ${network.name} has active endpoints (${users.map((user) => user.name).join(', ')})`,
      );
    }
    this.#networks.delete(network);
  }

  /** Waits until nothing is being taken away in the background any more. */
  async settled(): Promise<void> {
    for (const network of this.#networks.list()) await this.#bridges.settled(network.bridge);
  }

  /** What is left of attachments that belong to nobody any more (as `reap` finds them), and of bridges that nothing is attached to. */
  async leftovers(isAlive: (id: string) => boolean): Promise<Leftovers> {
    using _lock = await this.#changing.begin();
    const records = this.#records.list();
    const attachments = records.filter((record) => !isInUse(record, isAlive)).map((record) => record.id);
    const unused = this.#networks.list().filter((network) => !records.some((record) => record.bridge === network.bridge));
    if (unused.length === 0) return { attachments, bridges: [], rules: [] };
    for (const network of unused) await this.#bridges.settled(network.bridge);
    const names = unused.map((network) => network.bridge);
    const rules = (await currentRules()).split('\n').filter((line) => line.startsWith('-A ') && names.some((name) => line.includes(name)));
    return { attachments, bridges: names.filter((name) => this.#bridges.exists(name)), rules };
  }

  /** Removes what `leftovers` finds. */
  async clear(isAlive: (id: string) => boolean): Promise<void> {
    await this.reap(isAlive);
    const { bridges, rules } = await this.leftovers(isAlive);
    using _lock = await this.#changing.begin();
    for (const network of this.#networks.list()) {
      if (!bridges.includes(network.bridge) && !rules.some((rule) => rule.includes(network.bridge))) continue;
      await this.#bridges.settled(network.bridge);
      await this.#bridges.clear(network);
    }
  }

  async #prepare(name: string): Promise<NetworkInfo> {
    const network = this.#networks.require(name);
    await this.#bridges.settled(network.bridge);
    if (this.#bridges.isForeign(network.bridge))
      throw new SlipwayError('conflict', 'network.bridge-in-use', `the bridge ${network.bridge} of network ${network.name} is not ours`);
    return this.#bridges.exists(network.bridge) ? network : this.#networks.relocate(network);
  }

  async #connect(r: AttachRequest, network: NetworkInfo, record: AttachmentRecord): Promise<{ mac: string; dns: string[] }> {
    const mac = macOf(record.ip);
    using socket = new RouteSocket();
    const bridge = await this.#bridges.ensure(socket, network, this.#published(network.bridge));
    const prefixLength = Number(network.subnet.split('/')[1]);
    addVeth(socket, {
      name: linkName(r.id),
      bridge,
      netnsPath: r.netnsPath,
      mac,
      address: { address: record.ip, prefixLength },
      ...(network.internal !== true && { gateway: network.gateway }),
      ...(network.mtu !== undefined && { mtu: network.mtu }),
      hairpin: record.ports.length > 0,
    });
    if (!network.dns) return { mac, dns: [] };
    const names = [...new Set([r.name, ...(r.aliases ?? [])])];
    aardvarkAdd(this.#namesFolder(), namesFile(network), network.gateway, { id: r.id, ip: record.ip, names });
    return { mac, dns: [network.gateway] };
  }

  #published(bridge: string): Published[] {
    return this.#records
      .list()
      .filter((record) => record.bridge === bridge)
      .flatMap(({ ip, ports }) => ports.map((port) => ({ ...port, ip })));
  }

  /** The pair of interfaces ends with the namespace. */
  async #detach(record: AttachmentRecord): Promise<void> {
    const network = this.#networks.get(record.network);
    if (record.dns && network !== undefined) aardvarkRemove(this.#namesFolder(), namesFile(network), network.gateway, record.id);
    if (record.bound) deleteNetworkNamespace(join(this.#layout.netns, record.id));
    const others = this.#records.list().filter((other) => other.id !== record.id && other.bridge === record.bridge);
    if (network !== undefined && others.length === 0) await this.#bridges.remove(network);
    else if (network !== undefined && record.ports.length > 0 && this.#bridges.exists(record.bridge))
      await this.#bridges.publish(
        network,
        this.#published(record.bridge).filter(({ ip }) => ip !== record.ip),
      );
    this.#records.delete(record, network);
  }

  #namesFolder(): string {
    return join(this.#layout.network, 'names');
  }
}

function pickAddress(network: NetworkInfo, used: ReadonlySet<string>, wanted: string | undefined): string {
  const subnet = parseSubnet(network.subnet);
  const reserved = new Set(Object.values(network.auxAddresses ?? {}));
  if (wanted !== undefined) {
    if (!contains(subnet, wanted))
      throw new SlipwayError('invalid-argument', 'network.address', `invalid address ${wanted}: it is not in subnet ${network.subnet}`);
    if (used.has(wanted) || reserved.has(wanted) || wanted === network.gateway)
      throw new SlipwayError('conflict', 'network.address', 'Address already in use');
    return wanted;
  }
  const free = freeAddress(
    subnet,
    network.gateway,
    new Set([...used, ...reserved]),
    network.ipRange === undefined ? subnet : rangeOf(network.ipRange),
  );
  if (free === undefined)
    throw new SlipwayError(
      'unavailable',
      'network.no-address',
      `no available IPv4 addresses on network ${network.name} (${network.subnet})`,
    );
  return free;
}

/** aardvark-dns passes questions from an internal network on to nobody. */
function namesFile(network: NetworkInfo): string {
  return network.internal === true ? `${network.name}%int` : network.name;
}

/** The host's end of a pair of interfaces. */
function linkName(id: string): string {
  return `sl${id.replace(/^build-/, '').slice(0, 11)}`;
}

/** Made of the address, as Docker has long done: no two on a bridge are alike. */
function macOf(ip: string): string {
  return `02:42:${addressNumber(ip)
    .toString(16)
    .padStart(8, '0')
    .replace(/..(?=.)/g, '$&:')}`;
}
