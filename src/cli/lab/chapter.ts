// What a chapter is: a page to read and files to work on (docs/lab), and checks of what the learner did with them.
import type { World } from './world.ts';

/** What a check found: fine, or not yet, with the reason and what to try. */
export type Verdict = { readonly ok: true; readonly found: string } | { readonly ok: false; readonly why: string; readonly hint: string };

export const fine = (found: string): Verdict => ({ ok: true, found });
export const notYet = (why: string, hint: string): Verdict => ({ ok: false, why, hint });

export interface Check {
  /** What must hold, as a heading of its verdict. */
  readonly goal: string;
  look(world: World): Promise<Verdict> | Verdict;
}

export interface Chapter {
  /** Of its page and of its folder: `02-original-engine`. */
  readonly name: string;
  /** In order; one that fails makes those after it wait. */
  readonly checks: readonly Check[];
}
