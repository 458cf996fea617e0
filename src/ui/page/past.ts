// Builds of the same Dockerfile over time: how long they took, and how much came from the cache.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { PageBuild, PagePast } from './data.ts';
import { html } from './html.ts';
import { duration, moment, percent } from './words.ts';

/** This many times the middle of the earlier ones stands out. */
const SLOW = 1.5;

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

export function Past({ build, past }: { readonly build: PageBuild; readonly past: readonly PagePast[] }) {
  const canvas = useRef<HTMLDivElement>(null);
  const shown = past.filter((p) => p.status !== 'running');
  useEffect(() => {
    const element = canvas.current;
    if (element === null || shown.length < 2) return;
    const ink = getComputedStyle(element).color;
    const axis = { stroke: ink, grid: { stroke: '#8884', width: 1 } };
    const chart = new uPlot(
      {
        width: Math.max(280, element.clientWidth),
        height: 220,
        scales: { x: { time: false } },
        axes: [
          { ...axis, values: (_: uPlot, marks: number[]) => marks.map((m) => (Number.isInteger(m) ? `${m - shown.length}` : '')) },
          { ...axis, values: (_: uPlot, marks: number[]) => marks.map((s) => duration(s * 1000)), size: 64 },
          { ...axis, scale: '%', side: 1, values: (_: uPlot, marks: number[]) => marks.map((m) => `${m} %`), grid: { show: false } },
        ],
        series: [
          { label: 'build' },
          { label: 'seconds', stroke: '#1c7ed6', width: 2, points: { show: true } },
          { label: 'cached %', scale: '%', stroke: '#2f9e44', width: 2, dash: [4, 4] },
        ],
      },
      [
        shown.map((_, i) => i + 1),
        shown.map((p) => p.ms / 1000),
        shown.map((p) => (p.ran + p.cached === 0 ? 0 : Math.round((100 * p.cached) / (p.ran + p.cached)))),
      ],
      element,
    );
    return () => chart.destroy();
  }, [shown.length]);
  const usual = median(shown.filter((p) => p.ref !== build.ref && p.status === 'completed').map((p) => p.ms));
  const slow = usual > 0 && build.status === 'completed' && build.ms > SLOW * usual;
  return html`<div>
    ${shown.length < 2 && html`<p>This is the only build of the Dockerfile on record.</p>`}
    ${slow && html`<p class="error">${`This build took ${(build.ms / usual).toFixed(1)} times as long as builds of this Dockerfile usually do (${duration(usual)}).`}</p>`}
    <div ref=${canvas} class="chart" aria-hidden="true"></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of builds">
      <table>
        <thead>
          <tr>
            <th scope="col">Build</th>
            <th scope="col">When</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Time</th>
            <th scope="col" class="number">Cached</th>
          </tr>
        </thead>
        <tbody>
          ${shown.toReversed().map(
            (p) =>
              html`<tr class=${p.ref === build.ref ? 'selected' : ''}>
                <td>${p.ref.slice(0, 12)}</td>
                <td>${moment(p.startedAt)}</td>
                <td>${p.status}</td>
                <td class="number">${duration(p.ms)}</td>
                <td class="number">${percent(p.cached, p.ran + p.cached)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </div>`;
}
