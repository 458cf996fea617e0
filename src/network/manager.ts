// Joining network namespaces to networks and parting them again. One process at a time changes the host's network, under a
// lock; whatever is about to be set up is recorded first, so that it can be taken down whoever dies in between.
import { isIPv4 } from 'node:net';
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
import { addVeth, addressNumber, bringLoopbackUp, deleteLink, setDefaultRoute } from './links.ts';
import { DEFAULT_NETWORK, Networks, type CreateNetwork } from './networks.ts';
import { crashPoint, sha256Hex } from '../util/index.ts';
import { AttachmentRecords, containerOf, interfaceOf, isInUse, type AttachmentRecord, type IsAttached } from './records.ts';
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
    r.check?.();
    const isTaken = (old: AttachmentRecord): boolean => old.id === r.id && processAlive(old.by) && old.by !== processIdentity();
    if (r.container !== undefined && this.#records.list().some(isTaken)) throw connectedAlready(r.name, r.network ?? DEFAULT_NETWORK);
    for (const old of this.#records.list()) {
      if (old.id === r.id || (old.bound && !processAlive(old.by))) await this.#detach(old);
    }
    const network = await this.#prepare(r.network ?? DEFAULT_NETWORK);
    const others = this.#records.of(r.container ?? r.id);
    if (others.some((other) => other.network === network.name)) throw connectedAlready(r.name, network.name);
    using reserved = await reservePorts(
      network.internal === true || others.some((other) => other.ports.length > 0) ? [] : (r.ports ?? []),
      async () => forwardedPorts(await currentRules('nat')),
    );
    const { ports } = reserved;
    const ip = this.#records.lease(r.id, network.name, (used) => pickAddress(network, used, r.ip));
    const record: AttachmentRecord = {
      id: r.id,
      ...(r.container !== undefined && { container: r.container }),
      ...(others.length > 0 && { interface: freeInterface(others) }),
      ...(r.mac !== undefined && { mac: r.mac }),
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
      await this.#connect(r, network, record, others.length === 0);
      this.#records.noteConnected(record, network);
      if (others.length > 0) await this.#chooseGateway(r.container ?? r.id, r.netnsPath);
      return attachmentOf(this.#records.get(r.id) ?? record, network);
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
    for (const record of this.#records.of(id)) {
      if (o.shared === true) this.#unlink(record);
      await this.#detach(record);
    }
  }

  /** From now on the attachment lasts as long as the container lists its network, even while the command that made it lives. */
  async disown(container: string, name: string): Promise<void> {
    using _lock = await this.#changing.begin();
    const record = this.#records.of(container).find((one) => one.network === name);
    if (record !== undefined) this.#records.put({ ...record, by: '' });
  }

  /** Takes a container out of one network; its namespace lives. Its ports go on with the network that leads out of it now. */
  async disconnect(container: string, name: string, netnsPath: string): Promise<void> {
    using _lock = await this.#changing.begin();
    const record = this.#records.of(container).find((one) => one.network === name);
    if (record === undefined) return;
    this.#unlink(record);
    await this.#detach(record);
    await this.#chooseGateway(container, netnsPath, record.ports);
  }

  /** What a container is attached to, the one that leads out of it first. */
  attached(container: string): Attachment[] {
    const records = this.#records.of(container);
    const gateway = this.#gatewayOf(records);
    return [...records.filter((record) => record === gateway), ...records.filter((record) => record !== gateway)].flatMap((record) => {
      const network = this.#networks.get(record.network);
      return network === undefined ? [] : [attachmentOf(record, network)];
    });
  }

  /** From now on others find it by `name`, and by its aliases in each network as before. */
  async rename(id: string, name: string, aliases: (network: string) => readonly string[]): Promise<void> {
    using _lock = await this.#changing.begin();
    for (const record of this.#records.of(id)) {
      this.#records.put({ ...record, name });
      const network = record.dns ? this.#networks.get(record.network) : undefined;
      if (network === undefined) continue;
      const names = [...new Set([name, ...aliases(record.network)])];
      aardvarkAdd(this.#namesFolder(), namesFile(network), network.gateway, { id, ip: record.ip, names });
    }
  }

  /**
   * Takes down what belongs to nobody any more: to containers that `isAlive` denies, and to processes that are gone. `namespaceOf` is the path
   * of the network namespace of a container that lives. Returns the containers that are still attached to something.
   */
  async reap(isAlive: IsAttached, namespaceOf: (container: string) => string | undefined = () => undefined): Promise<string[]> {
    if (!this.#records.list().some((record) => !isInUse(record, isAlive))) return [];
    using _lock = await this.#changing.begin();
    const changed = new Set<string>();
    for (const record of this.#records.list()) {
      if (isInUse(record, isAlive)) continue;
      const container = containerOf(record);
      const namespace = namespaceOf(container);
      if (namespace !== undefined) this.#unlink(record);
      await this.#detach(record);
      if (namespace === undefined) continue;
      await this.#chooseGateway(container, namespace, record.ports);
      changed.add(container);
    }
    return [...changed];
  }

  /** Whether containers of the network can have this address. */
  hasAddress(network: NetworkInfo, ip: string): boolean {
    return isIPv4(ip) && contains(parseSubnet(network.subnet), ip);
  }

  /** Brings loopback up where nothing is attached that would. */
  loopback(netnsPath: string): void {
    bringLoopbackUp(netnsPath);
  }

  /** Published ports by container, as they are in force. */
  portsOf(id: string): readonly PortMapping[] {
    return this.#records.get(id)?.ports ?? [];
  }

  list(): NetworkInfo[] {
    return this.#networks.list();
  }

  /** As `get`; the default one is made when it is not there. Throws not-found 'network.not-found'. */
  require(name: string): NetworkInfo {
    return this.#networks.require(name);
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
        `error while removing network: network ${network.name} has active endpoints (${users.map((user) => `name:"${user.name}" id:"${sha256Hex(`${network.id}${containerOf(user)}`).slice(0, 12)}"`).join(', ')})`,
      );
    }
    this.#networks.delete(network);
  }

  /** Waits until nothing is being taken away in the background any more. */
  async settled(): Promise<void> {
    for (const network of this.#networks.list()) await this.#bridges.settled(network.bridge);
  }

  /** What is left of attachments that belong to nobody any more (as `reap` finds them), and of bridges that nothing is attached to. */
  async leftovers(isAlive: IsAttached): Promise<Leftovers> {
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
  async clear(isAlive: IsAttached): Promise<void> {
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

  async #connect(r: AttachRequest, network: NetworkInfo, record: AttachmentRecord, only: boolean): Promise<void> {
    using socket = new RouteSocket();
    const bridge = await this.#bridges.ensure(socket, network, this.#published(network.bridge));
    const prefixLength = Number(network.subnet.split('/')[1]);
    addVeth(socket, {
      name: linkName(r.id),
      bridge,
      netnsPath: r.netnsPath,
      interface: interfaceOf(record),
      mac: macOf(record),
      address: { address: record.ip, prefixLength },
      ...(network.internal !== true && only && { gateway: network.gateway }),
      ...(network.mtu !== undefined && { mtu: network.mtu }),
      hairpin: record.ports.length > 0 || !only || r.container !== undefined,
    });
    if (!network.dns) return;
    const names = [...new Set([r.name, ...(r.aliases ?? [])])];
    aardvarkAdd(this.#namesFolder(), namesFile(network), network.gateway, { id: containerOf(record), ip: record.ip, names });
  }

  #published(bridge: string): Published[] {
    return this.#records
      .list()
      .filter((record) => record.bridge === bridge)
      .flatMap(({ ip, ports }) => ports.map((port) => ({ ...port, ip })));
  }

  /** Where the namespace goes on. */
  #unlink(record: AttachmentRecord): void {
    using socket = new RouteSocket();
    deleteLink(socket, linkName(record.id));
  }

  /** As Docker 28 chooses: the first by name of those that lead anywhere. */
  #gatewayOf(records: readonly AttachmentRecord[]): AttachmentRecord | undefined {
    return records.filter((record) => this.#leadsOut(record)).sort((a, b) => (a.network < b.network ? -1 : 1))[0];
  }

  #leadsOut(record: AttachmentRecord): boolean {
    const network = this.#networks.get(record.network);
    return network !== undefined && network.internal !== true;
  }

  /** The way out of a container, and into its ports: those that it has, and `left` of a network that it left. */
  async #chooseGateway(container: string, netnsPath: string, left: readonly PortMapping[] = []): Promise<void> {
    const records = this.#records.of(container);
    const chosen = this.#gatewayOf(records);
    const network = chosen && this.#networks.get(chosen.network);
    if (chosen === undefined || network === undefined) return;
    setDefaultRoute(netnsPath, interfaceOf(chosen), network.gateway);
    const before = records.filter((record) => record !== chosen && record.ports.length > 0);
    const ports = [...chosen.ports, ...before.flatMap((record) => record.ports), ...left];
    if (ports.length === chosen.ports.length) return;
    this.#records.put({ ...chosen, ports });
    for (const record of before) this.#records.put({ ...record, ports: [] });
    for (const { bridge, network: name } of [...before, chosen]) {
      const one = this.#networks.get(name);
      if (one !== undefined) await this.#bridges.publish(one, this.#published(bridge));
    }
  }

  /** The pair of interfaces ends with the namespace. */
  async #detach(record: AttachmentRecord): Promise<void> {
    const network = this.#networks.get(record.network);
    if (record.dns && network !== undefined) aardvarkRemove(this.#namesFolder(), namesFile(network), network.gateway, containerOf(record));
    // a namespace goes on after its last process while a connection in it waits for an answer that cannot come any more
    if (record.container !== undefined) this.#unlink(record);
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
  if (id.includes('.')) return `sl${sha256Hex(id).slice(0, 11)}`;
  return `sl${id.replace(/^build-/, '').slice(0, 11)}`;
}

function freeInterface(others: readonly AttachmentRecord[]): string {
  const taken = new Set(others.map(interfaceOf));
  for (let number = 0; ; number++) if (!taken.has(`eth${number}`)) return `eth${number}`;
}

function attachmentOf(record: AttachmentRecord, network: NetworkInfo): Attachment {
  return {
    network: network.name,
    ip: record.ip,
    prefixLength: parseSubnet(network.subnet).prefixLength,
    gateway: network.internal === true ? '' : network.gateway,
    mac: macOf(record),
    dns: network.dns ? [network.gateway] : [],
    ports: record.ports,
  };
}

/** In Docker's words. */
export function connectedAlready(name: string, network: string): SlipwayError {
  return new SlipwayError('conflict', 'network.connected', `endpoint with name ${name} already exists in network ${network}`);
}

/** Made of the address unless it was asked for, as Docker has long done: no two on a bridge are alike. */
function macOf({ ip, mac }: AttachmentRecord): string {
  return (
    mac ??
    `02:42:${addressNumber(ip)
      .toString(16)
      .padStart(8, '0')
      .replace(/..(?=.)/g, '$&:')}`
  );
}
