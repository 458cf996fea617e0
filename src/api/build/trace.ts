// The progress of a build of version 2: BuildKit's messages in lines of JSON, which clients decode themselves.
import { type BuildEvent } from '../../engine/index.ts';
import { BuildStatus, statusBytes } from '../../buildkit/index.ts';
import type { Progress } from '../images/progress.ts';

export class TraceLines {
  readonly #progress: Progress;
  readonly #status: BuildStatus;

  constructor(progress: Progress, now: () => number) {
    this.#progress = progress;
    this.#status = new BuildStatus(now);
  }

  write(e: BuildEvent): void {
    const update = this.#status.updateOf(e);
    if (update === undefined) return;
    this.#progress.lines.write({ id: 'moby.buildkit.trace', aux: statusBytes(update).toString('base64') });
  }
}
