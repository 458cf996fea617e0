// Numbers and states in words, the same everywhere on the page.
import type { PageStep } from './data.ts';

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Decimal units, as `slipway images` has them. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [n, 0];
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

export const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)} %`;

/** A sign beside the colour: colour alone says nothing to many. */
export const SIGNS: Readonly<Record<PageStep['state'], string>> = {
  waiting: '◌',
  started: '▶',
  done: '●',
  cached: '◇',
  failed: '✖',
  cancelled: '◼',
};

export const STATES: Readonly<Record<PageStep['state'], string>> = {
  waiting: 'waiting',
  started: 'running',
  done: 'ran',
  cached: 'cached',
  failed: 'failed',
  cancelled: 'stopped',
};

export const stepTime = (s: PageStep): number => (s.startedAt === undefined ? 0 : (s.endedAt ?? s.startedAt) - s.startedAt);

/** `2026-11-28 09:25:00`, in the time of UTC. */
export const moment = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
