// Our connection with a container through its monitor: what it writes comes to somebody's streams or terminal, and what these give goes to it.
import { Attachment, type InputSource, type OutputSinks, type Streams, type TerminalEnds } from '../runtime/index.ts';

export interface ConnectionOptions extends Streams {
  /** The user's, for a container that has one; instead of the streams. */
  readonly terminal?: TerminalEnds;
  /** When it aborts, the container is left to itself. */
  readonly leave?: AbortSignal;
}

export class Connection {
  readonly #attachment: Attachment;
  readonly #received: Promise<void>;
  readonly #closers: (() => void)[] = [];
  #left = false;

  /** `handOver` is called when the user leaves. */
  constructor(attachment: Attachment, o: ConnectionOptions, handOver: () => void) {
    this.#attachment = attachment;
    const { terminal } = o;
    const output: OutputSinks = terminal === undefined ? o : sinksOf(terminal);
    const input: InputSource | undefined = terminal === undefined ? o.stdin : terminal.input;
    if (terminal !== undefined) {
      const resize = (): void => {
        const size = terminal.size();
        if (size !== undefined) attachment.resize(size);
      };
      this.#closers.push(terminal.onResize(resize));
      if (terminal.raw) this.#closers.push(terminal.raw());
    }
    const left = (): void => {
      if (this.#left) return;
      this.#left = true;
      handOver();
      attachment.detach();
    };
    if (o.leave?.aborted === true) left();
    o.leave?.addEventListener('abort', left, { once: true });
    this.#closers.push(() => o.leave?.removeEventListener('abort', left));
    if (input !== undefined) this.#closers.push(attachment.send(input, terminal && { keys: terminal.detachKeys, onTyped: left }));
    this.#received = attachment.receive(output);
    this.#received.catch(() => {}); // reported where it is awaited
  }

  async over(): Promise<'ended' | 'left'> {
    await this.#received;
    return this.#left ? 'left' : 'ended';
  }

  /** Also gives the terminal its settings back. */
  close(): void {
    for (const close of this.#closers.splice(0)) close();
    this.#attachment.detach();
  }
}

function sinksOf({ output }: TerminalEnds): OutputSinks {
  const write = (chunk: Buffer): void => void output.write(chunk);
  return { stdout: write, stderr: write, ...(output.ready && { ready: () => output.ready!() }) };
}
