// Builds, images and containers as tables with what can be done to each.
import { useState } from 'preact/hooks';
import { html } from './html.ts';
import type { ContainerAction, PageContainer, PageImageName, PageListed } from './views.ts';
import { bytes, duration, moment, percent } from './words.ts';

type Act = (path: string) => Promise<void>;

const STATUSES = { running: '▶ running', completed: '● succeeded', error: '✖ failed', canceled: '◼ stopped' } as const;

export function Builds({ base, builds, onAct }: { readonly base: string; readonly builds: readonly PageListed[]; readonly onAct: Act }) {
  if (builds.length === 0) return html`<p>No build is on record.</p>`;
  return html`<${Table} label="Builds" heads=${['Build', 'Name', 'State', 'Begun', 'Time', 'Cached', '']}>
    ${builds.map(
      (b) =>
        html`<tr key=${b.ref} class=${b.status === 'error' ? 'failed' : ''}>
          <td><a href=${`${base}builds/${b.ref}`}>${b.ref.slice(0, 12)}</a></td>
          <td>${b.tags[0] ?? b.name}</td>
          <td class="state">${STATUSES[b.status]}</td>
          <td>${moment(b.startedAt)}</td>
          <td class="number">${duration(b.ms)}</td>
          <td class="number">${percent(b.cached, b.ran + b.cached)}</td>
          <td>
            ${b.status === 'running' && html`<${Do} act=${onAct} path=${`builds/${b.ref}/cancel`} word="Stop" of=${b.ref.slice(0, 12)} />`}
          </td>
        </tr>`,
    )}
  <//>`;
}

export function Images({ base, images, onAct }: { readonly base: string; readonly images: readonly PageImageName[]; readonly onAct: Act }) {
  if (images.length === 0) return html`<p>There are no images.</p>`;
  return html`<${Table} label="Images" heads=${['Image', 'ID', 'Made', 'Size', 'Containers', '']}>
    ${images.map((i) => {
      const word = i.name === '' ? i.id : i.name;
      const name = i.name === '' ? '<none>' : i.name;
      return html`<tr key=${`${i.id} ${i.name}`}>
        <td><a href=${`${base}images/${encodeURIComponent(word)}`}>${name}</a></td>
        <td>${i.id.slice(7, 19)}</td>
        <td>${moment(i.createdAt)}</td>
        <td class="number">${bytes(i.size)}</td>
        <td class="number">${i.containers}</td>
        <td><${Do} act=${onAct} path=${`images/${encodeURIComponent(word)}/remove`} word="Remove" of=${name} sure=${true} /></td>
      </tr>`;
    })}
  <//>`;
}

const ACTIONS: Readonly<Record<ContainerAction, string>> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  pause: 'Pause',
  unpause: 'Continue',
  kill: 'Kill',
  remove: 'Remove',
};

export function Containers({ containers, onAct }: { readonly containers: readonly PageContainer[]; readonly onAct: Act }) {
  if (containers.length === 0) return html`<p>There are no containers.</p>`;
  return html`<${Table} label="Containers" heads=${['Name', 'ID', 'Image', 'Command', 'State', 'Ports', '']}>
    ${containers.map(
      (c) =>
        html`<tr key=${c.id}>
          <td>${c.name}</td>
          <td>${c.id.slice(0, 12)}</td>
          <td>${c.image}</td>
          <td>${c.command}</td>
          <td>${c.status}</td>
          <td>${c.ports}</td>
          <td>
            ${c.actions.map(
              (action) =>
                // a button that has asked stays the same one when others come and go
                html`<span key=${action}
                  ><${Do}
                    act=${onAct}
                    path=${`containers/${c.id}/${action}`}
                    word=${ACTIONS[action]}
                    of=${c.name}
                    sure=${action === 'remove' || action === 'kill'}
                  />${' '}
                </span>`,
            )}
          </td>
        </tr>`,
    )}
  <//>`;
}

function Table({ label, heads, children }: { readonly label: string; readonly heads: readonly string[]; readonly children?: unknown }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead>
        <tr>
          ${heads.map((head) => (head === '' ? html`<th scope="col"><span class="unseen">What can be done</span></th>` : html`<th scope="col">${head}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${children}
      </tbody>
    </table>
  </div>`;
}

interface DoProps {
  readonly act: Act;
  readonly path: string;
  readonly word: string;
  readonly of: string;
  /** What cannot be undone is asked for twice. */
  readonly sure?: boolean;
}

function Do({ act, path, word, of, sure = false }: DoProps) {
  const [state, setState] = useState<'' | 'asked' | 'busy'>('');
  const click = (): void => {
    if (sure && state === '') return setState('asked');
    setState('busy');
    void act(path).finally(() => setState(''));
  };
  return html`<button
    type="button"
    class="action"
    disabled=${state === 'busy'}
    aria-label=${state === 'asked' ? `Really ${word.toLowerCase()} ${of}?` : `${word} ${of}`}
    onClick=${click}
    onBlur=${() => state === 'asked' && setState('')}
  >
    ${state === 'asked' ? `${word}?` : state === 'busy' ? '…' : word}
  </button>`;
}
