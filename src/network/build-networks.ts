// Network namespaces for the RUN steps of one build process. Steps that run one after the other share one; those that run
// side by side have one each. Made at first need, or ahead of it while the build does other work.
import { join } from 'node:path';
import type { Layout } from '../store/index.ts';
import { createNetworkNamespace, deleteNetworkNamespace, processIdentity } from '../sys/index.ts';
import { randomId, throwAfter, withCleanup } from '../util/index.ts';
import type { NetworkManager } from './manager.ts';
import type { BuildNetwork } from './types.ts';

interface Lent {
  readonly id: string;
  readonly path: string;
  readonly ip: string;
  readonly dns: readonly string[];
}

export class BuildNetworks {
  readonly #layout: Layout;
  readonly #manager: NetworkManager;
  readonly #network: string | undefined;
  readonly #all = new Set<Promise<Lent>>();
  readonly #free: Promise<Lent>[] = [];

  /** @param network that `default` stands for, when it is not the default one */
  constructor(layout: Layout, manager: NetworkManager, network?: string) {
    this.#layout = layout;
    this.#network = network;
    this.#manager = manager;
  }

  /** Begins to make the first one, so that a later `acquire` need not wait. Errors are told there. */
  warm(): void {
    if (this.#all.size === 0) this.#free.push(this.#begin());
  }

  /** 'default' has a way out, 'none' has loopback only, 'host' is the host's own. */
  async acquire(mode: 'default' | 'none' | 'host', signal?: AbortSignal): Promise<BuildNetwork> {
    if (mode !== 'default') return { netnsPath: mode, release: () => {} };
    signal?.throwIfAborted();
    const lent = this.#free.pop() ?? this.#begin();
    const { path, ip, dns } = await lent;
    let released = false;
    return {
      netnsPath: path,
      ip,
      dns,
      release: () => {
        if (!released) this.#free.push(lent);
        released = true;
      },
    };
  }

  /** Ends all of them. What could not be made needs no ending. */
  async dispose(): Promise<void> {
    const all = [...this.#all];
    this.#all.clear();
    this.#free.length = 0;
    for (const made of await Promise.allSettled(all)) {
      if (made.status === 'rejected') continue;
      const { path, id } = made.value;
      await withCleanup(
        async () => deleteNetworkNamespace(path),
        () => this.#manager.detach(id),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #begin(): Promise<Lent> {
    const lent = this.#make();
    this.#all.add(lent);
    lent.catch(() => this.#all.delete(lent)); // the next one tries anew; who waits for this one is told
    return lent;
  }

  async #make(): Promise<Lent> {
    const id = `build-${randomId(8)}`;
    const path = join(this.#layout.netns, id);
    createNetworkNamespace(path);
    try {
      const network = this.#network === undefined ? {} : { network: this.#network };
      const { ip, dns } = await this.#manager.attach({ id, name: id, netnsPath: path, owner: processIdentity(), ...network });
      return { id, path, ip, dns };
    } catch (error) {
      throwAfter(error, () => deleteNetworkNamespace(path));
    }
  }
}
