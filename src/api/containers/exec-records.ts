// The programs that clients have asked for, as long as somebody may ask how they ended.
import { SlipwayError } from '../../model/index.ts';

export interface Exec {
  readonly id: string;
  readonly container: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attached: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly detachKeys?: string;
  started: boolean;
  running: boolean;
  exitCode?: number;
  /** Of the client that started it. */
  terminal?: { resize(size: { readonly columns: number; readonly rows: number }): void };
}

/** How many that have ended are remembered. */
const KEPT = 500;

export class Execs {
  readonly #all = new Map<string, Exec>();

  add(exec: Exec): void {
    this.#all.set(exec.id, exec);
    for (const [id, one] of this.#all) {
      if (this.#all.size <= KEPT) return;
      if (!one.running) this.#all.delete(id);
    }
  }

  /** @throws SlipwayError not-found `api.no-exec` */
  get(id: string): Exec {
    const found = this.#all.get(id);
    if (found === undefined) throw new SlipwayError('not-found', 'api.no-exec', `No such exec instance: ${id}`);
    return found;
  }

  /** Of a container, those that run. */
  of(container: string): string[] {
    return [...this.#all.values()].filter((e) => e.container === container && e.running).map((e) => e.id);
  }
}
