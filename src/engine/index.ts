// The use cases behind one façade.
export { exportContainer, importImage, type LayerProgress, loadImages, saveImages } from './archives.ts';
export type { BuildEngine, Caches } from './build.ts';
export { askBuilders, type BuilderState, checkBuilderEndpoint } from './builders.ts';
export type { BuiltEntry, FilesWish } from './built-files.ts';
export type { EngineRun } from './compare-engines.ts';
export type { Delivered } from './deliver.ts';
export type { Delivery } from './delivery.ts';
export type { BuildRequest, Caller } from './job.ts';
export { performInWorker, serveOperation, SpareWorker } from './worker/index.ts';
export {
  type BuildOperationKind,
  type CallerOf,
  type Checked,
  type BuildOperation,
  type Operation,
  type OperationKind,
  perform,
  type Reply,
} from './operations.ts';
export type { LoadedImage, StoreCaller, StoreEvent } from './store-operations.ts';
export {
  type Ballast,
  type ImageMap,
  imageMap,
  type ImageSize,
  imageSize,
  imageTree,
  type ImageTreeNode,
  leanness,
  type Leanness,
  type MappedFile,
} from './contents/index.ts';
export { EVENT_FILTERS, type EventOptions, events, type RecordedEvent } from './events.ts';
export { cancelBuild, followBuild } from './live.ts';
export { buildHistory, type ShownBuild } from './history.ts';
export { Engine, type EngineOptions } from './engine.ts';
export { type MachineFacts, machineFacts } from './machine.ts';
export { type Annotation, type Output, parseOutput } from './output-spec.ts';
export { openAgent, PathSession, readContextWords, type SecretSource, userCredentials } from './session/index.ts';
export type { ProvenanceWish } from './statements.ts';
export type { ImageDifference } from './verify.ts';
export { type ProjectUse, usesByProject } from './projects.ts';
export { cacheEntries, type CacheEntry, type CacheFilter, checkCacheFilter, entryId, matchesCache, pruneBuilder } from './cache.ts';
export { type CheckReport, checkStore, type Finding } from './check/index.ts';
export { pruneContainers, pruneImages, pruneNetworks, pruneVolumes, type Pruned, type PruneFilter } from './prune.ts';
export { type Compared, compareImages, type CompareOptions } from './compare.ts';
export * from './lists.ts';
export type { LockEntry, LockReport } from './lock-operations.ts';
export { type ImageTest, parseImageTests, testImage, type TestReport, type TestResult } from './image-tests/index.ts';
export { rebaseImage } from './rebase.ts';
export * from './registry.ts';
export { makeStandIn, standInAdvice, standIns } from './stand-ins.ts';
export { LANGUAGE_NAMES, type ProjectFolder, scaffold } from './scaffold/index.ts';
export { type CacheExport, type CacheImport, parseCacheExport, parseCacheImport } from './travel/spec.ts';
export { apiUnits, serviceUnit } from './service.ts';
export {
  measure,
  type Measured,
  sample as sampleContainer,
  type Sample,
  parseRestartPolicy,
  startByPolicies,
  updateContainer,
} from '../container/index.ts';
export { containerSizes, diskUsage, type ImageShare, imageShares, storeSize, TOUR_STORE, type Usage, volumeSize } from './usage.ts';

// The use cases that a part below has whole.
export {
  attachmentsOf,
  attachTo,
  resizeTerminal,
  bindings,
  bindingText,
  changesOf,
  commandText,
  commitContainer,
  connectNetwork,
  copying,
  disconnectNetwork,
  execIn,
  filterContainers,
  inspectContainer,
  isAlive,
  isNamespacedSysctl,
  mountsJson,
  networkNames,
  networksJson,
  parseVolume,
  pause as pauseContainer,
  portsText,
  processTable,
  publishedPorts,
  rename as renameContainer,
  stateText,
  statusText,
  supervise as superviseStore,
  unpause as unpauseContainer,
} from '../container/index.ts';
export { partReader } from '../builder/index.ts';
export { flattenDockerfile, formatDockerfile, parseBeginning, parseDockerfile, plainTree } from '../dockerfile/index.ts';
export { hasLabels, openSink } from '../image/index.ts';
export { parsePortSpec } from '../network/index.ts';
export { MASKED_PATHS, parseKeys, READONLY_PATHS, resolveUser } from '../runtime/index.ts';

// The words of requests, events and results.
export type {
  BuildEvent,
  BuildRecord,
  BuildSummary,
  BuildVolume,
  ContextList,
  ExpectedStep,
  LiveEvent,
  Plan,
  PlannedStep,
  StageTest,
  StepDebugger,
  StepFile,
  StepPlace,
  StepRecord,
  StepState,
} from '../builder/index.ts';
export type {
  Container,
  ContainerManager,
  ContainerRequest,
  ContainerUpdate,
  ForegroundOptions,
  SignalSource,
  StopOptions,
  Volume,
  VolumeRequest,
} from '../container/index.ts';
export type { Dockerfile } from '../dockerfile/index.ts';
export type { Image, ImageSummary, Removal } from '../image/index.ts';
export type { NetworkInfo } from '../network/index.ts';
export type { Streams, TerminalEnds } from '../runtime/index.ts';
export type { Snapshotter } from '../snapshot/index.ts';
