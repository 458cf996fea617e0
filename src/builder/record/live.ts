// The events of a running build as a file in the run folder, a line of JSON each, which other processes read while it grows. It is
// written in pieces, few and small, and goes when the build is on record.
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Node, topological } from '../../graph/index.ts';
import type { BuildEvent } from '../events.ts';

/** A step that the build may come to: what screens draw before it runs. */
export interface ExpectedStep {
  readonly id: string;
  readonly name: string;
  readonly stage?: string;
  readonly inputs: readonly string[];
}

export type LiveEvent =
  | { readonly type: 'steps'; readonly steps: readonly ExpectedStep[] }
  | Exclude<BuildEvent, { readonly type: 'log' }>
  | { readonly type: 'log'; readonly id: string; readonly stream: 'stdout' | 'stderr'; readonly text: string; readonly at: number };

/** ms between two pieces, unless one comes after a pause. */
const PAUSE = 50;
/** Characters of output and progress, and of everything else: the run folder usually lies in memory. */
const LARGEST = { output: 4 << 20, rest: 16 << 20 };

const SUFFIX = '.jsonl';

export const liveFile = (folder: string, ref: string): string => join(folder, `${ref}${SUFFIX}`);

export class LiveFile {
  /** Lines that are not written yet. */
  #lines: string[] = [];
  #path: string | undefined;
  #fd: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #written = 0;
  #over = false;
  readonly #size = { output: 0, rest: 0 };
  readonly #decoders = new Map<string, TextDecoder>();

  /** Kept until `open`: few builds take long enough for anybody to watch. */
  event(e: BuildEvent): void {
    if (e.type !== 'log') return this.#add(e.type === 'text' || e.type === 'progress' ? 'output' : 'rest', e);
    const key = `${e.id} ${e.stream}`;
    let decoder = this.#decoders.get(key);
    if (!decoder) this.#decoders.set(key, (decoder = new TextDecoder()));
    const { id, stream, at } = e;
    this.#add('output', { type: 'log', id, stream, text: decoder.decode(e.data, { stream: true }), at });
  }

  /** The steps of the graph, before any of them runs. */
  expect(nodes: readonly Node[]): void {
    const steps = topological(nodes)
      .filter(({ op }) => op.kind !== 'source' || op.identifier !== 'scratch')
      .map(({ digest, meta, inputs }) => ({
        id: digest,
        name: meta.name,
        ...(meta.stage !== undefined && { stage: meta.stage }),
        inputs: inputs.map((i) => i.digest),
      }));
    this.#add('rest', { type: 'steps', steps });
  }

  /** Lets others read. A file system without room costs the view, and not the build. */
  open(folder: string, ref: string): void {
    if (this.#over) return;
    this.#path = liveFile(folder, ref);
    try {
      this.#fd = openSync(this.#path, 'w', 0o600);
    } catch {
      return this.#stop();
    }
    this.#write();
  }

  close(): void {
    this.#write();
    this.#stop();
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }

  #add(kind: 'output' | 'rest', e: LiveEvent): void {
    if (this.#over || this.#size[kind] > LARGEST[kind]) return;
    const line = `${JSON.stringify(e)}\n`;
    this.#size[kind] += line.length;
    this.#lines.push(line);
    if (this.#fd === undefined) return;
    // what comes after a pause is written at once: a step may keep this thread
    if (performance.now() - this.#written >= PAUSE) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), PAUSE).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#fd === undefined || this.#lines.length === 0) return;
    const piece = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    try {
      for (let at = 0; at < piece.length;) at += writeSync(this.#fd, piece, at);
    } catch {
      this.#stop();
    }
    this.#written = performance.now();
  }

  #stop(): void {
    this.#over = true;
    this.#lines = [];
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Removes what killed builds left. */
export function removeLiveFiles(folder: string, isRunning: (ref: string) => boolean): void {
  for (const name of readdirSync(folder))
    if (name.endsWith(SUFFIX) && !isRunning(name.slice(0, -SUFFIX.length))) rmSync(join(folder, name), { force: true });
}
