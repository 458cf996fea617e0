// The last line of a build: where the time went.
import type { BuildSummary } from '../../engine/index.ts';
import { oneLine, seconds } from './display.ts';

/** Steps of the critical path that are named: the longest. */
const NAMED = 3;

/** Empty when the build had no steps. */
export function summaryText({ wallMs, ran, cached, savedByCacheMs, savedByParallelMs, criticalPath }: BuildSummary): string {
  if (ran + cached === 0) return '';
  const parts = [`${seconds(wallMs)}: ${ran} ${ran === 1 ? 'step' : 'steps'} ran`, `${cached} cached`];
  if (savedByCacheMs >= 100) parts.push(`${seconds(savedByCacheMs)} saved by the cache`);
  if (savedByParallelMs >= 100) parts.push(`${seconds(savedByParallelMs)} by running side by side`);
  const total = criticalPath.reduce((n, s) => n + s.ms, 0);
  const longest = criticalPath
    .filter((s) => s.ms >= 100)
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, NAMED);
  const named = criticalPath.filter((s) => longest.includes(s)).map((s) => `${oneLine(s.name)} ${seconds(s.ms)}`);
  const path = ran > 1 && named.length > 0 ? `critical path ${seconds(total)}: ${named.join(' → ')}\n` : '';
  return `${parts.join(', ')}\n${path}`;
}
