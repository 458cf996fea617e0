// A scheduler and cache that know only vertices.
export { DatabaseCache, MemoryCache } from './cache.ts';
export { Solver } from './solver.ts';
export type * from './types.ts';
