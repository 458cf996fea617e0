// What plans say in words, as text and in boxes.
import type { Plan, PlannedStep } from '../../engine/index.ts';

export const FATES: Readonly<Record<PlannedStep['fate'], string>> = { source: 'source', cached: 'CACHED', run: 'RUN', maybe: 'RUN?' };

/** How many steps there are of each kind, in a line. */
export function planSum({ target, counts: { cached, run, maybe } }: Plan): string {
  const unsure = maybe > 0 ? `, ${maybe} to run unless what they read turns out unchanged (RUN?)` : '';
  return `target ${target}: ${cached} cached, ${run} to run${unsure}`;
}
