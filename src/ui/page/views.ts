// What a server gives the page besides a build on record: lists, and what happens in a build that runs. Data only, as JSON.
import type { PageData, PageImage, PageStep } from './data.ts';

export interface PageListed {
  readonly ref: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly status: 'running' | 'completed' | 'error' | 'canceled';
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly ms: number;
  readonly ran: number;
  readonly cached: number;
}

/** One name of an image; an image without names once. */
export interface PageImageName {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly size: number;
  /** Of how many containers it is the image. */
  readonly containers: number;
}

export interface PageContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly command: string;
  readonly state: string;
  readonly status: string;
  readonly ports: string;
  readonly actions: readonly ContainerAction[];
}

export type ContainerAction = 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill' | 'remove';

/** `base` is the path that all others begin with. */
export type PageView = { readonly base: string } & (
  | { readonly view: 'builds'; readonly builds: readonly PageListed[] }
  | { readonly view: 'build'; readonly data: PageData }
  | { readonly view: 'images'; readonly images: readonly PageImageName[] }
  | { readonly view: 'image'; readonly image: PageImage }
  | { readonly view: 'containers'; readonly containers: readonly PageContainer[] }
);

/** What the page uses of the events of a build. */
export type PageEvent =
  | {
      readonly type: 'steps';
      readonly steps: readonly {
        readonly id: string;
        readonly name: string;
        readonly stage?: string;
        readonly inputs: readonly string[];
      }[];
    }
  | {
      readonly type: 'vertex';
      readonly id: string;
      readonly name: string;
      readonly stage?: string;
      readonly inputs: readonly string[];
      readonly state: PageStep['state'];
      readonly at: number;
      readonly error?: string;
      readonly why?: readonly string[];
      readonly savedMs?: number;
    }
  | { readonly type: 'log'; readonly id: string; readonly text: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'skipped'; readonly stage: string; readonly reason: string };
