// Builds: from a request to an image and a stream of events, by either engine.
/** The original engine, loaded when it is asked for. */
export const buildClassic: typeof import('./classic/index.ts').buildClassic = async (env, request) =>
  (await import('./classic/index.ts')).buildClassic(env, request);
export type {
  BuildContext,
  ContextOptions,
  ContextRequest,
  DockerfileRequest,
  NamedContext,
  NamedContextRequest,
  ParsedContext,
} from './context/index.ts';
export { contextNameKey, openNamedContext, openRequested, parseContext, parseNamedContext, partReader } from './context/index.ts';
export { readDockerfile } from './graph/read.ts';
export { type BuildEvent, stepReporter } from './events.ts';
export type { Part } from './graph/parts.ts';
export type { VertexState } from './record/types.ts';
export {
  buildGraph,
  type ContextList,
  examine,
  type Examined,
  lint,
  type Linted,
  listContext,
  lookUpBases,
  planGraph,
  type Plan,
  type PlannedStep,
  type StageTest,
  testStages,
} from './graph/index.ts';
export { cacheMountName, copyTree, unpackFile } from './steps/index.ts';
export { openAgent } from './steps/index.ts';
export { checkVolumes } from './volumes.ts';
export type {
  BaseImage,
  BaseLock,
  BaseOptions,
  BuildDescribed,
  BuildEnvironment,
  BuildJob,
  BuildResult,
  BuildSettings,
  BuildSource,
  BuildVolume,
  BuiltCache,
  DebugShell,
  RemoteBuilders,
} from './types.ts';
export {
  type BuildRecord,
  BuildRecords,
  type BuildStatus,
  type BuildSummary,
  type ExpectedStep,
  type LiveEvent,
  liveFile,
  Recorder,
  type StepRecord,
  summarize,
} from './record/index.ts';
export type * from './stepping.ts';
