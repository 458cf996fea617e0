// Shows the build that the page has as JSON.
import { render } from 'preact';
import { App } from './app.ts';
import type { PageData } from './data.ts';
import { html } from './html.ts';

const root = document.getElementById('app');
const data = JSON.parse(document.getElementById('data')?.textContent ?? 'null') as PageData | null;
if (root !== null && data !== null) render(html`<${App} data=${data} />`, root);
