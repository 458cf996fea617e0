// The one typed stream of a build that every screen shows, be it a terminal, plain lines or JSON.
import type { Digest, SourceExcerpt } from '../model/index.ts';
import type { BuildSummary } from './record/summary.ts';
import type { VertexState } from './record/types.ts';

export type BuildEvent =
  /** What follows is of this engine; where both build one after the other. */
  | { readonly type: 'engine'; readonly engine: 'graph' | 'classic' }
  | {
      readonly type: 'vertex';
      readonly id: string;
      /** `[build 2/3] RUN go build`. */
      readonly name: string;
      readonly stage?: string;
      readonly inputs: readonly string[];
      readonly state: VertexState;
      /** ms since the epoch. */
      readonly at: number;
      readonly error?: string;
      /** Why it ran although an earlier build had it: in one line, and all of it. */
      readonly reason?: string;
      readonly why?: readonly string[];
      /** ms that it took when it ran, of a cached one. */
      readonly savedMs?: number;
    }
  | { readonly type: 'skipped'; readonly stage: string; readonly reason: string }
  | { readonly type: 'log'; readonly id: string; readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array; readonly at: number }
  | {
      readonly type: 'progress';
      readonly id: string;
      readonly name: string;
      readonly current: number;
      readonly total?: number;
      readonly done?: boolean;
    }
  | {
      readonly type: 'warning';
      readonly rule?: string;
      readonly message: string;
      readonly detail?: string;
      readonly url?: string;
      readonly source?: SourceExcerpt;
      /** Of a file that the Dockerfile includes. */
      readonly included?: boolean;
    }
  /** The original engine's own lines, as they are. */
  | { readonly type: 'text'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'image'; readonly id: Digest; readonly names: readonly string[] }
  /** The end: where the time went. `ref` is what `builder history` calls the build. */
  | { readonly type: 'summary'; readonly ref: string; readonly summary: BuildSummary };

/** Reports the states of a step that no instruction stands for, such as an export. */
export function stepReporter(onEvent: (e: BuildEvent) => void, now: () => number, name: string) {
  return (state: 'started' | 'done' | 'failed', error?: unknown): void =>
    onEvent({
      type: 'vertex',
      id: `internal:${name}`,
      name,
      inputs: [],
      state,
      at: now(),
      ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
    });
}
