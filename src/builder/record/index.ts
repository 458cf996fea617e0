// Builds on record: history, why steps ran, where the time went.
export { Explainer, type Explanation } from './explain.ts';
export { type ExpectedStep, type LiveEvent, liveFile } from './live.ts';
export { type BuildDescription, Recorder } from './recorder.ts';
export { BuildRecords } from './records.ts';
export { statedOp } from './shown-op.ts';
export { type BuildSummary, summarize } from './summary.ts';
export type { BuildRecord, BuildStatus, StepInput, StepRecord } from './types.ts';
