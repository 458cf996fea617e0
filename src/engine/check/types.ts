// What a check of the store finds.

export type Subject =
  | 'database'
  | 'blob'
  | 'snapshot'
  | 'image'
  | 'cache'
  | 'lease'
  | 'container'
  | 'volume'
  | 'unfinished'
  | 'lock'
  | 'mount'
  | 'bundle'
  | 'network'
  | 'link'
  | 'firewall'
  | 'cgroup'
  | 'process';

export interface Finding {
  readonly subject: Subject;
  /** Digest, ID, name or path. */
  readonly id: string;
  readonly problem: string;
  /** What puts it right, when `--repair` does not. */
  readonly advice?: string;
}

export interface CheckReport {
  readonly findings: readonly Finding[];
  /** Of the findings, those that are gone after a repair. */
  readonly repaired: readonly Finding[];
  readonly checked: { readonly blobs: number; readonly snapshots: number; readonly images: number; readonly containers: number };
}
