// What the page is given: one build, what it is compared with, and the image that it made. Data only, as JSON.

export interface PageStep {
  readonly id: string;
  /** As screens number it, from 1. */
  readonly number: number;
  /** `[build 2/3] RUN go build`. */
  readonly name: string;
  /** `RUN go build`. */
  readonly text: string;
  /** '' for what belongs to none. */
  readonly stage: string;
  readonly state: 'waiting' | 'started' | 'done' | 'cached' | 'failed' | 'cancelled';
  /** ms since the epoch. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** ms that it took when it ran, of a cached one. */
  readonly savedMs?: number;
  readonly error?: string;
  readonly why: readonly string[];
  /** `whole`: it stands on all of it; else on some files, by their content. */
  readonly inputs: readonly { readonly id: string; readonly whole: boolean }[];
  /** It is one of those that the build could not have been faster than. */
  readonly critical: boolean;
  readonly log: string;
}

export interface PageBuild {
  readonly ref: string;
  readonly name: string;
  readonly engine: 'graph' | 'classic';
  readonly target?: string;
  readonly status: 'running' | 'completed' | 'error' | 'canceled';
  readonly error?: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly ms: number;
  readonly ran: number;
  readonly cached: number;
  readonly savedByCacheMs: number;
  readonly savedByParallelMs: number;
  readonly tags: readonly string[];
  readonly images: readonly string[];
  readonly skipped: readonly { readonly stage: string; readonly reason: string }[];
  readonly steps: readonly PageStep[];
  /** What no step wrote, such as all of the original engine's. */
  readonly log: string;
}

/** A folder with what is in it, or a file; many small ones stand together. */
export interface PageFile {
  readonly name: string;
  /** Bytes, of all below. */
  readonly size: number;
  /** Of a file: the position of its layer, from 0. */
  readonly layer?: number;
  readonly files?: readonly PageFile[];
}

export interface PageImage {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly layers: readonly { readonly instruction: string; readonly from: string; readonly size: number }[];
  readonly root: PageFile;
  /** Bytes that later layers replaced or deleted, and of copies of the same file. */
  readonly hiddenBytes: number;
  readonly duplicateBytes: number;
}

/** A build of the same Dockerfile. */
export interface PagePast {
  readonly ref: string;
  readonly startedAt: number;
  readonly ms: number;
  readonly ran: number;
  readonly cached: number;
  readonly status: PageBuild['status'];
}

export interface PageData {
  readonly build: PageBuild;
  readonly before?: PageBuild;
  /** The oldest first. */
  readonly past: readonly PagePast[];
  readonly image?: PageImage;
  /** What its base or SDK image holds, to be seen beside it. */
  readonly otherImage?: PageImage;
}
