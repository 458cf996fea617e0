// What a vertex of a build gives: a file system.
import type { BuildContext } from './context/index.ts';
import type { FileDigests } from './steps/index.ts';

export type Result =
  | {
      readonly kind: 'snapshot';
      /** null is the empty file system. */
      readonly id: number | null;
      /** ms since the epoch: when the step was run that made it. */
      readonly createdAt: number;
      /** How long that took, in ms. */
      readonly ms: number;
      /** What it is the difference of: laid on others, it deletes too. */
      readonly changes?: { readonly lower: number | null; readonly upper: number | null };
    }
  | ({ readonly kind: 'directory'; readonly digests: FileDigests } & Pick<BuildContext, 'root' | 'ignore' | 'keepsOwners'>);

export const SCRATCH: Result = { kind: 'snapshot', id: null, createdAt: 0, ms: 0 };
