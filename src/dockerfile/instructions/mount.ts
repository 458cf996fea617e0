// RUN --mount: its options, their defaults, and the errors of each.
import type { SourceRange } from '../../model/index.ts';

/** A `--mount` flag as written: the text after `--mount=`. */
export interface RunMountSpec {
  readonly text: string;
  /** The value of `from=`, which takes no variables. Known before expansion so that the stages' graph can be drawn. */
  readonly from?: string;
  readonly range: SourceRange;
}

/** A mount with its variables replaced and its defaults filled in. Paths are as written, not yet made absolute. */
export type RunMount =
  | { readonly type: 'bind'; readonly from?: string; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | {
      readonly type: 'cache';
      readonly from?: string;
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** Defaults to the target. */
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly readOnly: boolean; /** Bytes. */ readonly size?: number }
  | {
      readonly type: 'secret';
      readonly id: string;
      /** Absent when only an environment variable is wanted. */
      readonly target?: string;
      readonly env?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | {
      readonly type: 'ssh';
      readonly id: string;
      readonly target?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    };
