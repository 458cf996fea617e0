// The graph engine.
export { buildGraph } from './build.ts';
export { examine, type Examined } from './check.ts';
