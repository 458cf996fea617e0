// The words of going through a build step by step: where it may stop, what can be asked there, and who decides. The graph engine calls,
// an adapter answers.
import type { ContainerConfig, SourceExcerpt } from '../model/index.ts';

/** A place to stop at: before an instruction does its work, or after it failed. */
export interface StepPlace {
  readonly reason: 'step' | 'failed';
  /** The instruction as it is written. */
  readonly text: string;
  readonly stage: { readonly index: number; readonly name?: string; readonly base: string };
  readonly source: SourceExcerpt;
}

export interface StepFile {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly owner: string;
  /** Where a link leads. */
  readonly target?: string;
}

/** What a step begins with, or what a failed command left. It is there until the build goes on. */
export interface StepState extends StepPlace {
  /** What ARG declared so far, with values where there are any. */
  readonly args: readonly (readonly [name: string, value: string | undefined])[];
  readonly config: ContainerConfig;
  readonly platform: string;
  /** Why it failed. */
  readonly error?: string;
  /**
   * Runs a command line in the shell of the stage as a RUN here would: what it changes is seen by the next one, and is gone when the build
   * goes on. One at a time. @throws what starting a program throws; the signal's reason
   */
  run(command: string, o: { readonly signal: AbortSignal; onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void }): Promise<number>;
  /** The files of a folder. @throws system errors */
  list(path: string): Promise<readonly StepFile[]>;
}

export interface StepDebugger {
  /** Whether the build is to stop there: nothing is done for the state of other places. */
  wants(place: StepPlace): boolean;
  /** The build goes on when this has resolved. @throws to end it */
  stopped(state: StepState): Promise<void>;
}
