// A scheduler and cache that know only vertices.
export { DatabaseCache, ImportingCache } from './cache.ts';
export { type Fate, foresee, type ForesightDriver } from './forecast.ts';
export { Turns } from './turns.ts';
export type { Turn } from './turns.ts';
export { Solver } from './solver.ts';
export type * from './types.ts';
