// When each step ran: a bar each, in the order of their beginning; the longest chain of waiting stands out.
import type { PageBuild } from './data.ts';
import { html } from './html.ts';
import { duration, SIGNS, stepTime } from './words.ts';

const ROW = 20;
const LABEL = 230;
const BARS = 640;

export function Timeline({ build, onSelect }: { readonly build: PageBuild; readonly onSelect: (id: string) => void }) {
  const ran = build.steps.filter((s) => s.startedAt !== undefined).toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
  if (ran.length === 0) return html`<p>No step ran: all of it came from the cache.</p>`;
  const total = Math.max(1, build.ms);
  const x = (at: number): number => LABEL + (BARS * Math.min(total, Math.max(0, at - build.startedAt))) / total;
  const height = ran.length * ROW + 22;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Timeline of steps">
    <svg width=${LABEL + BARS + 70} height=${height} viewBox=${`0 0 ${LABEL + BARS + 70} ${height}`}>
      ${[0, 0.25, 0.5, 0.75, 1].map((part) => {
        const at = LABEL + BARS * part;
        return html`<g class="tick"
          ><path d=${`M${at} 16V${height}`} /><text x=${at} y="11" text-anchor="middle">${duration(total * part)}</text></g
        >`;
      })}
      ${ran.map((s, i) => {
        const [from, to] = [x(s.startedAt ?? 0), x(s.endedAt ?? build.startedAt + build.ms)];
        const y = 20 + i * ROW;
        return html`<g class=${`bar ${s.state}${s.critical ? ' critical' : ''}`} onClick=${() => onSelect(s.id)}>
          <title>${`${s.name}: ${duration(stepTime(s))}`}</title>
          <text class="name" x="0" y=${y + 12}>${`${SIGNS[s.state]} ${s.name.length > 34 ? `${s.name.slice(0, 33)}…` : s.name}`}</text>
          <rect x=${from} y=${y + 2} width=${Math.max(1.5, to - from)} height=${ROW - 6} rx="2" />
          <text x=${to + 4} y=${y + 12}>${duration(stepTime(s))}</text>
        </g>`;
      })}
    </svg>
  </div>`;
}
