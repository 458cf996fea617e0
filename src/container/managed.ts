// What starting and watching a container needs of whoever manages it.
import type { Endings } from './ending.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerRecords } from './records.ts';
import type { Container } from './types.ts';
import type { Volumes } from './volumes.ts';

export interface Managed {
  readonly parts: ContainerParts;
  readonly records: ContainerRecords;
  readonly endings: Endings;
  readonly volumes: Volumes;
  /** The newest record of a container; one that somebody is just starting is waited for. */
  started(c: Container): Promise<Container>;
  kill(c: Container, signal?: string): Promise<void>;
}
