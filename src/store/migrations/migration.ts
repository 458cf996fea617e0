// A step from one version of the database to the next.
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly sql: string;
}
