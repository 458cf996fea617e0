// The graph engine.
export { buildGraph } from './build.ts';
