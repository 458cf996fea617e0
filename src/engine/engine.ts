// The façade: one object through which adapters do everything. It opens the store at once and everything else when it is
// first asked for, so that a command pays only for what it uses.
import { spawn } from 'node:child_process';
import { setUnpackLimit } from '../archive/index.ts';
import { GarbageCollector, ContentStore, Leases, needsSync, recover, type Recovered, syncStore } from '../content/index.ts';
import type { ContainerManager } from '../container/index.ts';
import { ImageStore } from '../image/index.ts';
import type { NetworkManager } from '../network/index.ts';
import type { ConfigCredentials, CredentialSource, Registries, RegistrySettings } from '../registry/index.ts';
import type { OciRuntime } from '../runtime/index.ts';
import { openSnapshotter, type Snapshotter } from '../snapshot/index.ts';
import { Database, type Layout, layout } from '../store/index.ts';
import { enterPrivateMountNamespace } from '../sys/index.ts';
import { crashPoint } from '../util/index.ts';

export interface EngineOptions {
  /** The folder of everything that lasts. */
  readonly root: string;
  /** The folder of what dies with the machine. */
  readonly run: string;
  /** How to run slipway itself; detached containers call it when they end. */
  readonly selfCommand: readonly string[];
  /** What slipway needs in its environment, called so, to find the same store. */
  readonly selfEnvironment?: Readonly<Record<string, string>>;
  /** `crun` or `runc`; the first that works when left out. */
  readonly runtime?: string;
  /** How snapshots are kept; what the store has, or what works here, when left out. */
  readonly snapshotter?: Snapshotter['driver'];
  readonly registries?: {
    readonly settings: RegistrySettings;
    /** `config.json` with who signs in where. */
    readonly config: string;
    /** For credential helpers, and programs that fetch. */
    readonly environment: Readonly<Record<string, string>>;
    /** Bytes that an archive may unpack to. */
    readonly layerLimit?: number;
  };
  /** Bytes that the build cache may take; a tenth of the file system when left out. */
  readonly cacheLimit?: number;
  /** Proxies and the like, for tools that fetch packages. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told when what a killed command has left cannot be cleared away: nothing that was asked for fails by that. */
  onWarning?(message: string): void;
  /** ms since the epoch. */
  readonly now?: () => number;
}

export class Engine {
  readonly layout: Layout;
  readonly db: Database;
  readonly content: ContentStore;
  readonly leases: Leases;
  readonly now: () => number;
  readonly environment: Readonly<Record<string, string>>;
  /** What was lost when the machine stopped, if this is the first command since and anything was. */
  readonly recovered: Recovered | undefined;
  readonly #o: EngineOptions;
  #snapshots: Snapshotter | undefined;
  #images: ImageStore | undefined;
  #runtime: Promise<OciRuntime> | undefined;
  #network: Promise<NetworkManager> | undefined;
  #containers: Promise<ContainerManager> | undefined;

  private constructor(o: EngineOptions) {
    this.#o = o;
    this.now = o.now ?? Date.now;
    this.environment = o.environment ?? {};
    this.layout = layout(o.root, o.run);
    this.db = Database.open(o.root);
    this.recovered = recover(this.layout, this.db);
    if (this.recovered !== undefined) this.collector().collect();
    crashPoint('store.opened');
    this.leases = new Leases(this.db);
    this.content = new ContentStore(this.layout, this.db);
    setUnpackLimit(o.registries?.layerLimit);
  }

  /** Opens a store, making it when there is none. @throws SlipwayError when it cannot be written or is of a newer version. */
  static open(o: EngineOptions): Engine {
    return new Engine(o);
  }

  get snapshots(): Snapshotter {
    return (this.#snapshots ??= openSnapshotter(this.layout, this.db, this.#o.snapshotter));
  }

  get images(): ImageStore {
    return (this.#images ??= new ImageStore(this.layout, this.db, this.content, this.snapshots));
  }

  collector(): GarbageCollector {
    return new GarbageCollector(this.layout, this.db);
  }

  /** The OCI runtime of this machine, looked for once. */
  runtime(): Promise<OciRuntime> {
    return (this.#runtime ??= (async () => {
      enterPrivateMountNamespace();
      const { OciRuntime } = await import('../runtime/index.ts');
      const runtime = await OciRuntime.find({
        stateRoot: `${this.layout.run}/runtime`,
        ...(this.#o.runtime !== undefined && { preferred: this.#o.runtime }),
      });
      // the guards of killed commands may have been killed with them
      await runtime.reap();
      return runtime;
    })());
  }

  network(): Promise<NetworkManager> {
    return (this.#network ??= import('../network/index.ts').then(({ NetworkManager }) => new NetworkManager(this.layout, this.db)));
  }

  containers(): Promise<ContainerManager> {
    return (this.#containers ??= (async () => {
      const [{ ContainerManager }, network] = await Promise.all([import('../container/index.ts'), this.network()]);
      const manager = new ContainerManager({
        layout: this.layout,
        db: this.db,
        images: this.images,
        snapshots: this.snapshots,
        leases: this.leases,
        network,
        selfCommand: this.#o.selfCommand,
        selfEnvironment: this.#o.selfEnvironment ?? {},
        runtime: () => this.runtime(),
        now: this.now,
      });
      // What a killed command has left of containers and networks is put right before anything is done with them. Their records say so:
      // its lease may have been collected by a command that had nothing to do with containers.
      for (const warning of await manager.endings.reconcile({ abandoned: true })) this.#o.onWarning?.(warning);
      const { leftScratch } = await import('../runtime/index.ts');
      // the runtime, when it is opened, ends what is left of probes
      if (leftScratch(this.layout.runtime)) await this.runtime().catch(() => undefined);
      return manager;
    })());
  }

  /**
   * Registries with the settings of this user, and hosts that need no TLS this time. The caller closes it.
   * @param credentials those of this user when left out
   */
  async registries(signal: AbortSignal, insecure: readonly string[] = [], credentials?: CredentialSource): Promise<Registries> {
    const { Registries } = await import('../registry/index.ts');
    const settings = this.#o.registries?.settings ?? { hosts: {}, certificates: [], environment: this.environment };
    const hosts = { ...settings.hosts };
    for (const host of insecure) hosts[host] = { ...hosts[host], insecure: true };
    return new Registries({ ...settings, hosts }, credentials ?? (await this.credentials()), signal);
  }

  async credentials(): Promise<ConfigCredentials> {
    const { ConfigCredentials } = await import('../registry/index.ts');
    return new ConfigCredentials(this.#o.registries?.config ?? '/nonexistent/config.json', this.#o.registries?.environment ?? {});
  }

  /** The whole environment, for programs that fetch: git. */
  get toolEnvironment(): Readonly<Record<string, string>> {
    return this.#o.registries?.environment ?? this.environment;
  }

  get cacheLimit(): number | undefined {
    return this.#o.cacheLimit;
  }

  /** Collects what processes that died were holding, if any did. Cheap when none did. */
  tidy(): void {
    if (this.leases.anyDead()) this.collector().collect();
  }

  /** Waits until the disk has everything. */
  sync(): void {
    syncStore(this.layout, this.db);
  }

  /** As `tidy`, and ends what such processes left of containers and networks. */
  async tidyAll(): Promise<void> {
    if (!this.leases.anyDead()) return;
    await (await this.containers()).reconcile();
    // their guards may have been killed with them
    await (await this.runtime().catch(() => undefined))?.reap();
    this.tidy();
  }

  close(): void {
    if (this.#snapshots !== undefined) {
      this.tidy();
      if (needsSync(this.layout, this.db)) this.#syncLater();
      this.#snapshots.close();
    }
    this.db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Another process waits for the disk, so that this one need not: until then, what is new would be lost in a power cut. */
  #syncLater(): void {
    const [program = '', ...args] = this.#o.selfCommand;
    const child = spawn(program, [...args, 'system', 'sync'], { detached: true, stdio: 'ignore' });
    child.on('error', () => {});
    child.unref();
  }
}
