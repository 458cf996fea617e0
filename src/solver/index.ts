// A scheduler and cache that know only vertices.
export { DatabaseCache, ImportingCache } from './cache.ts';
export { type Fate, foresee, type ForesightDriver } from './forecast.ts';
export { CpuSlots } from './cpu-slots.ts';
export type { CpuSlot } from './cpu-slots.ts';
export { Solver } from './solver.ts';
export type * from './types.ts';
