// The graph engine.
export { buildGraph } from './build.ts';
export { type ContextFile, type ContextList, type ExcludedFiles, listContext } from './context-list.ts';
export { planGraph, type Plan, type PlannedStep } from './plan.ts';
export { type StageTest, testStages } from './test-stages.ts';
export { examine, type Examined, lint, type Linted, lookUpBases } from './check.ts';
