// The graph of a build: stages as lanes, steps as boxes, lines from what is read. Arrow keys lead along the lines.
import { useMemo } from 'preact/hooks';
import type { PageBuild, PageStep } from './data.ts';
import { html } from './html.ts';
import { BOX, place, type PlacedStep } from './lanes.ts';
import { duration, SIGNS, STATES, stepTime } from './words.ts';

interface Props {
  readonly build: PageBuild;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

const WIDEST = 22;
const cut = (text: string): string => (text.length <= WIDEST ? text : `${text.slice(0, WIDEST - 1)}…`);
const timeOf = (s: PageStep): string =>
  s.state === 'cached' ? 'cached' : s.startedAt === undefined ? STATES[s.state] : duration(stepTime(s));

export function Graph({ build, selected, onSelect }: Props) {
  const shown = build.steps.filter((s) => !s.id.startsWith('internal:'));
  const shape = shown.map((s) => `${s.id}<${s.inputs.map((i) => i.id).join()}`).join(';');
  const lanes = useMemo(() => place(shown), [shape]);
  if (shown.length === 0) return html`<p>The original engine has no graph: its steps stand in its output.</p>`;
  const states = new Map(build.steps.map((s) => [s.id, s]));
  const at = new Map(lanes.steps.map((p) => [p.step.id, p]));
  const move = (event: KeyboardEvent, from: PlacedStep): void => {
    const to = neighbour(event.key, from, lanes.steps);
    if (to === undefined) return;
    event.preventDefault();
    onSelect(to.step.id);
    document.getElementById(`node-${to.step.id}`)?.focus();
  };
  return html`<div class="scroll" role="group" aria-label="Graph of the build; the table of steps below says the same">
    <svg width=${lanes.width} height=${lanes.height} viewBox=${`0 0 ${lanes.width} ${lanes.height}`}>
      ${lanes.lanes.map(
        ({ stage, y, height }, i) =>
          html`<g class=${`lane ${i % 2 === 0 ? 'even' : 'odd'}`}>
            <rect x="0" y=${y} width=${lanes.width} height=${height} rx="6" />
            <text x="8" y=${y + 14}>${stage === '' ? 'context and others' : stage}</text>
          </g>`,
      )}
      ${lanes.steps.flatMap(({ step, x, y }) =>
        step.inputs.map(({ id, whole }) => {
          const from = at.get(id);
          if (from === undefined) return null;
          const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, x, y + BOX.height / 2];
          const middle = (x1 + x2) / 2;
          const touched = selected === id || selected === step.id;
          return html`<path
            class=${`edge${whole ? '' : ' files'}${touched ? ' touched' : ''}`}
            d=${`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`}
            ><title>${`${step.name}\n${whole ? 'stands on' : 'reads files of'}\n${from.step.name}`}</title></path
          >`;
        }),
      )}
      ${lanes.steps.map((p) => {
        const step = states.get(p.step.id) ?? p.step;
        const pressed = selected === step.id;
        return html`<g
          id=${`node-${step.id}`}
          class=${`node ${step.state}${step.critical ? ' critical' : ''}${pressed ? ' selected' : ''}`}
          transform=${`translate(${p.x} ${p.y})`}
          role="button"
          tabindex=${pressed || (selected === undefined && p === lanes.steps[0]) ? 0 : -1}
          aria-pressed=${String(pressed)}
          onClick=${() => onSelect(step.id)}
          onKeyDown=${(event: KeyboardEvent) => (event.key === 'Enter' || event.key === ' ' ? onSelect(step.id) : move(event, p))}
        >
          <title>${`${step.name}: ${STATES[step.state]}, ${timeOf(step)}`}</title>
          <rect width=${BOX.width} height=${BOX.height} rx="5" />
          <text x="8" y="14">${`${SIGNS[step.state]} ${cut(step.text)}`}</text>
          <text class="time" x="8" y="28">${timeOf(step)}</text>
        </g>`;
      })}
    </svg>
  </div>`;
}

/** The nearest box in the direction of an arrow key. */
function neighbour(key: string, from: PlacedStep, all: readonly PlacedStep[]): PlacedStep | undefined {
  const dx = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
  const dy = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0;
  if (dx === 0 && dy === 0) return undefined;
  const ahead = all.filter((p) => (p.x - from.x) * dx + (p.y - from.y) * dy > 0);
  const far = (p: PlacedStep): number => Math.abs(p.x - from.x) * (dx === 0 ? 4 : 1) + Math.abs(p.y - from.y) * (dy === 0 ? 4 : 1);
  return ahead.toSorted((a, b) => far(a) - far(b))[0];
}
