// What the original engine says while it builds: its own lines, and what commands write.
import { StringDecoder } from 'node:string_decoder';
import type { BuildEvent } from '../events.ts';
import type { VertexState } from '../record/types.ts';

export class Output {
  readonly #emit: (event: BuildEvent) => void;
  readonly #total: number;
  readonly #now: () => number;
  #name = '';
  #cached = false;
  #step = 0;
  #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  constructor(emit: (event: BuildEvent) => void, totalSteps: number, now: () => number) {
    this.#now = now;
    this.#emit = emit;
    this.#total = totalSteps;
  }

  line(text: string): void {
    this.text(`${text}\n`);
  }

  text(text: string): void {
    this.#emit({ type: 'text', stream: 'stdout', text });
  }

  step(instruction: string): void {
    this.#endStep('done');
    this.#name = `Step ${++this.#step}/${this.#total} : ${instruction}`;
    this.line(this.#name);
    this.#tell('started');
  }

  /** The step's image was found among those that are there. */
  usingCache(): void {
    this.line(' ---> Using cache');
    this.#cached = true;
  }

  /** No more steps follow. */
  end(failed?: unknown): void {
    this.#endStep(failed === undefined ? 'done' : 'failed', failed);
  }

  /** The record of a build has steps of either engine alike. */
  #endStep(state: 'done' | 'failed', error?: unknown): void {
    if (this.#name === '') return;
    this.#tell(this.#cached ? 'cached' : state, error);
    this.#cached = false;
    this.#name = '';
  }

  #tell(state: VertexState, error?: unknown): void {
    const before = this.#step > 1 ? [`step:${this.#step - 1}`] : [];
    const told = error instanceof Error ? { error: error.message } : {};
    this.#emit({ type: 'vertex', id: `step:${this.#step}`, name: this.#name, inputs: before, state, at: this.#now(), ...told });
  }

  /** The image that a step ended in; nothing stands for `scratch`. */
  image(id: string | undefined): void {
    this.line(` ---> ${id === undefined ? '' : shortId(id)}`);
  }

  /** Bytes of a command's output; letters that are cut by a chunk's end wait for the next one. */
  chunk(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    const text = this.#decoders[stream].write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (text !== '') this.#emit({ type: 'text', stream, text });
  }

  endOfCommand(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#decoders[stream].end();
      if (text !== '') this.#emit({ type: 'text', stream, text });
    }
  }
}

/** The first 12 digits, as all lists show ids. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
