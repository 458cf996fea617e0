// The steps as a table, which says all that the graph shows; and one of them with its output and reasons.
import { AnsiUp } from 'ansi_up';
import { useMemo, useState } from 'preact/hooks';
import type { PageBuild, PageStep } from './data.ts';
import { html } from './html.ts';
import { duration, SIGNS, STATES, stepTime } from './words.ts';

/** Rows that are shown at once; more are asked for. */
const PAGE = 200;

interface Props {
  readonly build: PageBuild;
  readonly before: PageBuild | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

export function Steps({ build, before, selected, onSelect }: Props) {
  const [wanted, setWanted] = useState('');
  const [most, setMost] = useState(PAGE);
  const found = build.steps.filter((s) => `${s.name}\n${s.why.join('\n')}`.toLowerCase().includes(wanted.toLowerCase()));
  const earlier = useMemo(() => new Map(before?.steps.map((s) => [s.name, s])), [before]);
  return html`<div>
    <label class="search"
      >Find a step <input type="search" value=${wanted} onInput=${(e: Event) => setWanted((e.target as HTMLInputElement).value)}
    /></label>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of steps">
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Step</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Time</th>
            ${before && html`<th scope="col" class="number">Before</th>`}
            <th scope="col">Why it ran</th>
          </tr>
        </thead>
        <tbody>
          ${found.slice(0, most).map((s) => {
            const old = earlier.get(s.name);
            return html`<tr class=${`${s.state}${selected === s.id ? ' selected' : ''}`}>
              <td class="number">${s.number}</td>
              <td><button type="button" aria-pressed=${String(selected === s.id)} onClick=${() => onSelect(s.id)}>${s.name}</button></td>
              <td class="state">${`${SIGNS[s.state]} ${STATES[s.state]}${s.critical ? ', critical' : ''}`}</td>
              <td class="number">
                ${s.state === 'cached' ? (s.savedMs === undefined ? '' : `saved ${duration(s.savedMs)}`) : duration(stepTime(s))}
              </td>
              ${before && html`<td class="number">${old === undefined ? 'new' : old.state === 'cached' ? 'cached' : duration(stepTime(old))}</td>`}
              <td>${s.why[0] ?? ''}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${found.length > most && html`<button type="button" onClick=${() => setMost(most + 5 * PAGE)}>Show more of ${found.length}</button>`}
  </div>`;
}

export function StepDetails({
  step,
  build,
  onSelect,
}: {
  readonly step: PageStep;
  readonly build: PageBuild;
  readonly onSelect: (id: string) => void;
}) {
  const inputs = step.inputs.flatMap(({ id, whole }) => {
    const from = build.steps.find((s) => s.id === id);
    return from === undefined ? [] : [{ from, whole }];
  });
  return html`<article aria-label="The selected step">
    <h3>${step.name}</h3>
    <p>
      ${`${SIGNS[step.state]} ${STATES[step.state]}${step.startedAt === undefined ? '' : `, ${duration(stepTime(step))}, begun after ${duration(step.startedAt - build.startedAt)}`}`}
    </p>
    ${step.error !== undefined && html`<p class="error">${step.error}</p>`}
    ${
      step.why.length > 0 &&
      html`<h4>Why it ran</h4>
        <ul>
          ${step.why.map((line) => html`<li>${line}</li>`)}
        </ul>`
    }
    ${
      inputs.length > 0 &&
      html`<h4>What it reads</h4>
        <ul>
          ${inputs.map(({ from, whole }) => html`<li>${whole ? 'stands on ' : 'files of '}<button type="button" class="link" onClick=${() => onSelect(from.id)}>${from.name}</button></li>`)}
        </ul>`
    }
    <${Output} text=${step.log} />
  </article>`;
}

/** What a step wrote, with its colours, and a search through it. */
export function Output({ text }: { readonly text: string }) {
  const [wanted, setWanted] = useState('');
  const lines =
    wanted === ''
      ? text
      : text
          .split('\n')
          .filter((line) => line.toLowerCase().includes(wanted.toLowerCase()))
          .join('\n');
  const colored = useMemo(() => {
    const ansi = new AnsiUp();
    // colours are classes: the page allows no styles of others
    ansi.use_classes = true;
    ansi.escape_html = true;
    return ansi.ansi_to_html(lines);
  }, [lines]);
  if (text === '') return html`<p>It wrote nothing.</p>`;
  return html`<div>
    <h4>Output</h4>
    <label class="search"
      >Find in the output <input type="search" value=${wanted} onInput=${(e: Event) => setWanted((e.target as HTMLInputElement).value)}
    /></label>
    <pre tabindex="0" aria-label="Output" dangerouslySetInnerHTML=${{ __html: colored }}></pre>
  </div>`;
}
