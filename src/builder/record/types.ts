// What is kept of a build: enough to say later what it did, how long that took, and why a step ran.
import type { Op } from '../../graph/index.ts';

export type BuildStatus = 'running' | 'completed' | 'error' | 'canceled';

export type VertexState = 'started' | 'done' | 'cached' | 'failed' | 'cancelled';

export interface StepRecord {
  /** Of the vertex. */
  readonly id: string;
  /** `[build 2/3] RUN go build`. */
  readonly name: string;
  readonly stage?: string;
  readonly state: VertexState;
  /** ms since the epoch; undefined for a cached one. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** ms that it took when it ran, for one that came from the cache. */
  readonly savedMs?: number;
  readonly error?: string;
  readonly key?: string;
  /** Left out when it is very large; then only that it changed is known, by `definition`. */
  readonly op?: Op;
  readonly definition?: string;
  /** In the order of the operation's inputs. */
  readonly inputs: readonly StepInput[];
  /** Why it ran although an earlier build had it: all that is different, one thing each. */
  readonly why?: readonly string[];
}

export interface StepInput {
  readonly id: string;
  readonly name: string;
  /** Its part in the key; '' when it is not known. */
  readonly part: string;
}

export interface BuildRecord {
  /** 25 letters and digits, as buildx has them. */
  readonly ref: string;
  /** What builds of the same Dockerfile have in common: its path, or where it comes from. */
  readonly identity: string;
  /** For lists: the folder of the context, with the target. */
  readonly name: string;
  readonly engine: 'graph' | 'classic';
  readonly target?: string;
  readonly status: BuildStatus;
  /** The process that builds, while it runs. */
  readonly owner?: string;
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly error?: string;
  readonly images: readonly string[];
  readonly tags: readonly string[];
  readonly skipped: readonly { readonly stage: string; readonly reason: string }[];
  readonly steps: readonly StepRecord[];
}
