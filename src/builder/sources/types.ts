// The small interface behind which a build brings in what it begins with: images, repositories, files, directories.
import type { SourceOp } from '../../graph/index.ts';
import type { Result } from '../result.ts';

export interface Bringing {
  readonly signal: AbortSignal;
  /** `current` and `total` in bytes. */
  onProgress(what: string, current: number, total: number | undefined): void;
}

/** One scheme of identifiers. All that is asked of it is about operations of that scheme. */
export interface Source {
  /** Finds out what is there now, where that has to be asked for, so that `key` knows it. */
  resolve?(op: SourceOp): Promise<void>;
  /** What it is, whatever brings it; undefined when only its bytes tell. */
  key(op: SourceOp): string | undefined;
  /** What of it can be read without bringing anything in. */
  peek?(op: SourceOp): Result | undefined;
  /** Brings it in, to stay until the build ends. */
  bring(op: SourceOp, o: Bringing): Promise<Result>;
  /** Keeps what was learnt, and removes what was brought for this build alone. */
  close?(): void;
}
