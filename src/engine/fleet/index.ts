// Builders elsewhere.
export { solveElsewhere } from './solve.ts';
