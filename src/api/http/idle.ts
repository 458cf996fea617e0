// Connections that are open, and the moment when there has been none for a while: then a server that is started on demand may end.
import type { Socket } from 'node:net';

export class Connections {
  readonly #open = new Set<Socket>();
  readonly #after: number | undefined;
  readonly #idle = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param after ms; without it, `idle` never comes */
  constructor(after?: number) {
    this.#after = after;
    this.#wait();
  }

  /** Resolves when nobody has been connected for that long. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  add(socket: Socket): void {
    clearTimeout(this.#timer);
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#wait();
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#open.size > 0 || this.#after === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#idle.resolve(), this.#after);
  }
}
