// Clients that are connected with a container before it starts: the first byte that its program writes is theirs.

export interface Waiter {
  /** Connects; resolves when everything that is written from now on arrives. */
  connect(): Promise<void>;
  /** The container could not be started. */
  fail(): void;
}

export class Waiting {
  readonly #by = new Map<string, Set<Waiter>>();

  /** @param id of the container. Returns how to give up. */
  add(id: string, waiter: Waiter): () => void {
    const set = this.#by.get(id) ?? new Set();
    this.#by.set(id, set.add(waiter));
    return () => {
      set.delete(waiter);
      if (set.size === 0 && this.#by.get(id) === set) this.#by.delete(id);
    };
  }

  has(id: string): boolean {
    return this.#by.has(id);
  }

  /** Its process stands, and its program has not begun. */
  async connect(id: string): Promise<void> {
    await Promise.all(this.#take(id).map((one) => one.connect()));
  }

  fail(id: string): void {
    for (const one of this.#take(id)) one.fail();
  }

  #take(id: string): Waiter[] {
    const set = this.#by.get(id);
    this.#by.delete(id);
    return [...(set ?? [])];
  }
}
