// The page: what became of a build, its graph, times, steps, image and past.
import { useState } from 'preact/hooks';
import type { PageBuild, PageData } from './data.ts';
import { Graph } from './graph.ts';
import { html } from './html.ts';
import { Past } from './past.ts';
import { Output, StepDetails, Steps } from './steps.ts';
import { Timeline } from './timeline.ts';
import { Treemap } from './treemap.ts';
import { bytes, duration, percent } from './words.ts';

const RESULTS = { running: 'is running', completed: 'succeeded', error: 'failed', canceled: 'was stopped' } as const;

export function App({ data }: { readonly data: PageData }) {
  const { build, before, image, otherImage, past } = data;
  const [selected, setSelected] = useState<string | undefined>(build.steps.find((s) => s.state === 'failed')?.id);
  const step = build.steps.find((s) => s.id === selected);
  const sections = [
    { id: 'graph', title: 'Graph', body: html`<${Graph} build=${build} selected=${selected} onSelect=${setSelected} />` },
    { id: 'timeline', title: 'Timeline', body: html`<${Timeline} build=${build} onSelect=${setSelected} />` },
    { id: 'steps', title: 'Steps', body: html`<${Steps} build=${build} before=${before} selected=${selected} onSelect=${setSelected} />` },
    ...(build.log === '' ? [] : [{ id: 'output', title: 'Output', body: html`<${Output} text=${build.log} />` }]),
    ...[image, otherImage].flatMap((of, i) =>
      of === undefined ? [] : [{ id: `image${i}`, title: `Image ${of.name}, ${bytes(of.size)}`, body: html`<${Treemap} image=${of} />` }],
    ),
    { id: 'past', title: 'Builds over time', body: html`<${Past} build=${build} past=${past} />` },
  ];
  return html`<header>
      <h1>${build.tags[0] ?? build.name}</h1>
      <p class=${`result ${build.status}`} role="status">
        ${`Build ${build.ref.slice(0, 12)} ${RESULTS[build.status]} in ${duration(build.ms)}`}
      </p>
      ${build.error !== undefined && html`<pre class="error" tabindex="0">${build.error}</pre>`}
      <${Facts} build=${build} before=${before} />
      <nav aria-label="Parts of the page">
        <ul>
          ${sections.map(({ id, title }) => html`<li><a href=${`#${id}`}>${title}</a></li>`)}
        </ul>
      </nav>
    </header>
    <main>
      ${sections.map(
        ({ id, title, body }) =>
          html`<section id=${id} aria-labelledby=${`${id}-title`}>
            <h2 id=${`${id}-title`}>${title}</h2>
            ${body}
          </section>`,
      )}
    </main>
    <aside aria-label="Step">
      ${step === undefined ? html`<p>Choose a step to see what it wrote, what it read, and why it ran.</p>` : html`<${StepDetails} step=${step} build=${build} onSelect=${setSelected} />`}
    </aside>`;
}

function Facts({ build, before }: { readonly build: PageBuild; readonly before: PageBuild | undefined }) {
  const steps = build.ran + build.cached;
  const critical = build.steps.filter((s) => s.critical);
  const facts: (readonly [string, string])[] = [
    ['Engine', build.engine === 'graph' ? 'graph' : 'original'],
    ['Begun', new Date(build.startedAt).toISOString().slice(0, 19).replace('T', ' ')],
    ['Steps', `${build.ran} ran, ${build.cached} cached (${percent(build.cached, steps)})`],
    ['Saved', `${duration(build.savedByCacheMs)} by the cache, ${duration(build.savedByParallelMs)} by running side by side`],
    [
      'Longest chain',
      critical.length === 0
        ? 'none'
        : `${critical.length} step${critical.length === 1 ? '' : 's'}, ${duration(critical.reduce((n, s) => n + (s.endedAt ?? 0) - (s.startedAt ?? 0), 0))}`,
    ],
    ...(build.target === undefined ? [] : [['Target', build.target] as const]),
    ...(build.skipped.length === 0 ? [] : [['Skipped', build.skipped.map((s) => `${s.stage} (${s.reason})`).join(', ')] as const]),
    ...(before === undefined
      ? []
      : [['Compared with', `${before.ref.slice(0, 12)}: ${duration(before.ms)}, ${before.ran} ran, ${before.cached} cached`] as const]),
  ];
  return html`<dl>
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
