// The pages that a server has: builds with those that run, images, containers.
import { useEffect, useState } from 'preact/hooks';
import { App } from './app.ts';
import type { PageData, PageImage } from './data.ts';
import { html } from './html.ts';
import { LiveBuild } from './live.ts';
import { Builds, Containers, Images } from './lists.ts';
import { Treemap } from './treemap.ts';
import type { PageEvent, PageView } from './views.ts';
import { bytes } from './words.ts';

/** ms between two looks at a list, and two pictures of a running build. */
const LOOK = 2000;
const PICTURE = 250;
const TRIES = 4;
/** A picture takes at most one part in so many of the time. */
const SHARE = 10;

const PAGES = { builds: 'Builds', images: 'Images', containers: 'Containers' } as const;

type Of<V extends PageView['view']> = Extract<PageView, { readonly view: V }>;

export function Console({ first }: { readonly first: PageView }) {
  const [view, setView] = useState(first);
  const [failure, setFailure] = useState('');
  const { base } = first;
  const look = async (): Promise<void> => {
    try {
      setView(await ask<PageView>(location.pathname));
    } catch {
      // the server has ended: what it said last stays
    }
  };
  const isList = view.view === 'builds' || view.view === 'images' || view.view === 'containers';
  useEffect(() => {
    if (!isList) return;
    const timer = setInterval(() => void (document.hidden || look()), LOOK);
    return () => clearInterval(timer);
  }, [isList]);
  const act = async (path: string): Promise<void> => {
    setFailure('');
    try {
      const answer = await fetch(base + path, { method: 'POST' });
      if (!answer.ok) setFailure(await answer.text());
    } catch {
      setFailure('The server does not answer any more.');
    }
    if (isList) await look();
  };
  const above = html`<nav aria-label="Slipway">
      <ul class="pages">
        ${Object.entries(PAGES).map(
          ([page, title]) => html`<li><a href=${base + page} aria-current=${view.view === page ? 'page' : undefined}>${title}</a></li>`,
        )}
      </ul>
    </nav>
    <p class="error" role="alert">${failure}</p>`;
  if (view.view === 'build') return html`<${Build} view=${view} above=${above} onAct=${act} />`;
  return html`<header>
      ${above}
      <h1>${view.view === 'image' ? `${view.image.name}, ${bytes(view.image.size)}` : PAGES[view.view]}</h1>
    </header>
    <main>
      ${view.view === 'builds' && html`<${Builds} base=${base} builds=${view.builds} onAct=${act} />`}
      ${view.view === 'images' && html`<${Images} base=${base} images=${view.images} onAct=${act} />`}
      ${view.view === 'containers' && html`<${Containers} containers=${view.containers} onAct=${act} />`}
      ${view.view === 'image' && html`<${Treemap} image=${view.image} />`}
    </main>`;
}

/** Tries a few times: a connection may be lost as the stream of events ends. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await work();
    } catch (e) {
      if (left <= 1) throw e;
      await new Promise((resolve) => setTimeout(resolve, PICTURE));
    }
  }
}

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

interface BuildProps {
  readonly view: Of<'build'>;
  readonly above: unknown;
  readonly onAct: (path: string) => Promise<void>;
}

function Build({ view, above, onAct }: BuildProps) {
  const { base } = view;
  const [data, setData] = useState<PageData>(view.data);
  const [stopping, setStopping] = useState(false);
  const { build } = data;
  useEffect(() => {
    if (view.data.build.status === 'running') return follow(view, setData);
    return undefined;
  }, []);
  const [image] = build.images;
  useEffect(() => {
    if (image === undefined || data.image !== undefined) return;
    const found = again(() => ask<Of<'image'> & { readonly image: PageImage }>(`${base}images/${image}`));
    found.then(
      (v) => setData((d) => ({ ...d, image: { ...v.image, name: build.tags[0] ?? v.image.name } })),
      () => undefined, // it is not here any more
    );
  }, [image]);
  const cancel = (): void => {
    setStopping(true);
    void onAct(`builds/${build.ref}/cancel`);
  };
  const button =
    build.status === 'running' &&
    html`<p>
      <button type="button" class="action" disabled=${stopping} onClick=${cancel}>${stopping ? 'Stopping…' : 'Stop this build'}</button>
    </p>`;
  return html`<${App} data=${data} above=${html`${above}${button}`} />`;
}

/** Shows what happens until the build ends. What is returned stops that. */
function follow({ base, data }: Of<'build'>, show: (data: PageData) => void): () => void {
  const live = new LiveBuild(data.build);
  const events = new EventSource(`${base}builds/${data.build.ref}/events`);
  let timer = 0;
  let over = false;
  const draw = (): void => {
    const begun = performance.now();
    show({ ...data, build: live.at(Date.now()) });
    // what a picture of many steps costs leaves time for whoever scrolls
    requestAnimationFrame(() => {
      if (over) return;
      timer = window.setTimeout(draw, Math.max(PICTURE, SHARE * (performance.now() - begun)));
    });
  };
  timer = window.setTimeout(draw, PICTURE);
  const stop = (): void => {
    over = true;
    window.clearTimeout(timer);
    events.close();
  };
  // a connection that was lost and comes again begins with the first event
  events.addEventListener('open', () => live.reset());
  events.addEventListener('message', (e: MessageEvent<string>) => live.event(JSON.parse(e.data) as PageEvent));
  events.addEventListener('end', (e: Event) => {
    stop();
    show(JSON.parse((e as MessageEvent<string>).data) as PageData);
  });
  return stop;
}
