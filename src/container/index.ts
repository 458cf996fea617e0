// The life of containers: what `run`, `ps`, `stop`, `exec` and `rm` stand on.
export { execIn, type ExecRequest } from './exec.ts';
export { inspectContainer } from './inspect.ts';
export { ContainerManager, type ContainerParts, type ForegroundOptions, isAlive } from './manager.ts';
export { commandText, hostAddresses, portsText, statusText } from './status.ts';
export type * from './types.ts';
export { type Volume, Volumes } from './volumes.ts';
