// Running processes in containers: OCI specs, crun or runc, conmon, logs. It takes a mounted root file system
// and knows neither images nor snapshots nor how a network came about.
export type * from './types.ts';
export type * from './spec/oci.ts';
export { OciRuntime } from './oci-runtime.ts';
export type { CreateOptions } from './oci-runtime.ts';
export { cgroupMode, type Limits, limits } from './spec/cgroup.ts';
export { defaultCgroupNamespace, defaultSpec, MASKED_PATHS, READONLY_PATHS } from './spec/default.ts';
export { placeMounts } from './mount-points.ts';
export { resolveUser } from './users.ts';
export { foreignPlatform, refuseUnstartable, resolveExecutable } from './executables.ts';
export { type LogLine, LogWriter, readLogs, type ReadLogsOptions } from './logs.ts';
export { Attachment, resizeThrough } from './attach.ts';
export { type BegunMonitor, lastExit, Monitor, type MonitorOptions, ranOutOfMemory } from './monitor.ts';
export { emptyControlGroups } from './control-groups.ts';
export { CLEAN_ENVIRONMENT } from './binary.ts';
export { endProcesses, runtimeProcesses } from './processes.ts';
export { notedSteps } from './guard.ts';
export { leftScratch, scratchFolders } from './scratch.ts';
export { parseKeys } from './escape-keys.ts';
