// The life of containers: what `run`, `ps`, `stop`, `exec` and `rm` stand on.
export { attachmentsOf, networkNames } from './endpoints.ts';
export { connectNetwork, disconnectNetwork } from './connecting.ts';
export { ContainerManager, type LogOptions, type StopOptions } from './manager.ts';
export type { ContainerParts } from './parts.ts';
export type { LaunchOptions } from './launch.ts';
export type { ForegroundOptions, SignalSource } from './foreground.ts';
export { isAbandoned, isAlive } from './transitions.ts';
export { type EndedContainer, recordEnded } from './ended.ts';
export { attachTo, resizeTerminal } from './attaching.ts';
export { parseRestartPolicy } from './restart-policy.ts';
export { supervise } from './supervisor.ts';
export { pause, unpause } from './pausing.ts';
export { type ContainerUpdate, updateContainer } from './updating.ts';
export { startByPolicies } from './restarting.ts';
export { rename } from './renaming.ts';
export { processTable } from './processes.ts';
export { changesOf } from './changes.ts';
export { marksSize } from './marks.ts';
export { commitContainer } from './committing.ts';
export { measure, type Measured, sample, type Sample } from './measuring.ts';
export * as copying from './copying.ts';
export { checkLimits, resources } from './limits.ts';
export { execIn, type ExecRequest } from './exec.ts';
export { filterContainers } from './filters.ts';
export { inspectContainer, type InspectContext, mountsJson, networksJson } from './inspect.ts';
export { isNamespacedSysctl, parseVolume, PLAIN_REQUEST } from './request.ts';
export { mergeEnv } from './settings.ts';
export {
  type Binding,
  bindings,
  bindingText,
  commandText,
  type PublishedPort,
  portsText,
  publishedPorts,
  stateText,
  statusText,
} from './status.ts';
export type * from './types.ts';
export { type Volume } from './volumes.ts';
