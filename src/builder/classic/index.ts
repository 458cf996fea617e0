// The original engine.
export { buildClassic } from './build.ts';
