// Shows what the page has as JSON: one build, or what a server has.
import { render } from 'preact';
import { App } from './app.ts';
import { Console } from './console.ts';
import type { PageData } from './data.ts';
import { html } from './html.ts';
import type { PageView } from './views.ts';

const root = document.getElementById('app');
const data = JSON.parse(document.getElementById('data')?.textContent ?? 'null') as PageData | PageView | null;
if (root !== null && data !== null) render('view' in data ? html`<${Console} first=${data} />` : html`<${App} data=${data} />`, root);
