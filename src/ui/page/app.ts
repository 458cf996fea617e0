// The page: what became of a build, its graph, times, steps, image and past.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { PageBuild, PageData, PageStep } from './data.ts';
import { Graph } from './graph.ts';
import { html } from './html.ts';
import { Past } from './past.ts';
import { Output, StepDetails, Steps } from './steps.ts';
import { Timeline } from './timeline.ts';
import { Treemap } from './treemap.ts';
import { bytes, duration, moment, percent } from './words.ts';

const RESULTS = { running: 'is running', completed: 'succeeded', error: 'failed', canceled: 'was stopped' } as const;

/** @param above what a served page has besides: where else to go, and what can be done */
export function App({ data, above }: { readonly data: PageData; readonly above?: VNode }) {
  const { build, before, image, otherImage, past } = data;
  const [chosen, setSelected] = useState<string | undefined>(undefined);
  const selected = chosen ?? notable(build)?.id;
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
      ${above}
      <h1>${build.tags[0] ?? build.name}</h1>
      <p class=${`result ${build.status}`} role="status">
        ${`Build ${build.ref.slice(0, 12)} ${RESULTS[build.status]}${build.status === 'running' ? '' : ` in ${duration(build.ms)}`}`}
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

/** What to look at as long as nobody chooses: the step that failed, or the one that began last. */
function notable({ status, steps }: PageBuild): PageStep | undefined {
  const failed = steps.find((s) => s.state === 'failed');
  if (failed !== undefined || status !== 'running') return failed;
  return steps.filter((s) => s.state === 'started').toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0))[0];
}

function Facts({ build, before }: { readonly build: PageBuild; readonly before: PageBuild | undefined }) {
  const steps = build.ran + build.cached;
  const critical = build.steps.filter((s) => s.critical);
  const facts: (readonly [string, string])[] = [
    ['Engine', build.engine === 'graph' ? 'graph' : 'original'],
    ...(build.status === 'running' ? [['Time', duration(build.ms)] as const] : []),
    ['Begun', moment(build.startedAt)],
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
