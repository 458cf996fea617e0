// Instructions to vertices: what the graph engine runs.
export { type Lowered, Lowering } from './stages.ts';
export { Trace, type TracedStep } from './trace.ts';
export { stageLabel, type StageState, type Step } from './state.ts';
export { type Outline, outlineOf } from './outline.ts';
