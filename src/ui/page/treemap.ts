// An image by its bytes: rectangles as large as what they stand for, coloured by the layer that brought them. A folder opens by a click.
import { useState } from 'preact/hooks';
import type { PageFile, PageImage } from './data.ts';
import { html } from './html.ts';
import { type Rectangle, squarify } from './squarify.ts';
import { bytes, percent } from './words.ts';

const AREA: Rectangle = { x: 0, y: 0, width: 900, height: 420 };
/** Colours that the style has for layers. */
const COLORS = 8;

/** The layer that brought most of a folder. */
function layerOf(file: PageFile): number {
  const sums = new Map<number, number>();
  const walk = (f: PageFile): void => {
    if (f.layer !== undefined) sums.set(f.layer, (sums.get(f.layer) ?? 0) + f.size);
    f.files?.forEach(walk);
  };
  walk(file);
  return [...sums].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

export function Treemap({ image }: { readonly image: PageImage }) {
  const [path, setPath] = useState<readonly string[]>([]);
  let folder = image.root;
  const way: PageFile[] = [];
  for (const name of path) {
    const next = folder.files?.find((f) => f.name === name && f.files !== undefined);
    if (next === undefined) break;
    way.push((folder = next));
  }
  const files = (folder.files ?? []).filter((f) => f.size > 0).toSorted((a, b) => b.size - a.size);
  const places = squarify(
    files.map((f) => f.size),
    AREA,
  );
  const open = (file: PageFile): void => (file.files === undefined ? undefined : setPath([...way.map((f) => f.name), file.name]));
  return html`<div>
    <nav class="path" aria-label=${`Folder of ${image.name}`}>
      <button type="button" class="link" onClick=${() => setPath([])}>/</button>
      ${way.map((f, i) => html`<button type="button" class="link" onClick=${() => setPath(way.slice(0, i + 1).map((w) => w.name))}>${f.name}/</button>`)}
      <span>${` ${bytes(folder.size)}`}</span>
    </nav>
    <svg class="treemap" viewBox=${`0 0 ${AREA.width} ${AREA.height}`} role="group" aria-label=${`What fills ${image.name}`}>
      ${files.map((f, i) => {
        const { x, y, width, height } = places[i] ?? AREA;
        const layer = layerOf(f);
        const label = f.name.slice(0, Math.floor(width / 8));
        const size = bytes(f.size);
        const says = `${f.name}${f.files === undefined ? '' : '/'}: ${size}, ${percent(f.size, image.root.size)}, layer ${layer + 1}`;
        return html`<g
          class=${`layer${layer % COLORS}${f.files === undefined ? '' : ' folder'}`}
          role=${f.files === undefined ? 'img' : 'button'}
          tabindex=${f.files === undefined ? undefined : 0}
          onClick=${() => open(f)}
          onKeyDown=${(e: KeyboardEvent) => (e.key === 'Enter' || e.key === ' ' ? (e.preventDefault(), open(f)) : undefined)}
        >
          <title>${says}</title>
          <rect x=${x + 1} y=${y + 1} width=${Math.max(0, width - 2)} height=${Math.max(0, height - 2)} rx="2" />
          ${width > 60 && height > 18 && html`<text x=${x + 6} y=${y + 15}>${label}</text>`}
          ${width > 60 && height > 34 && html`<text class="size" x=${x + 6} y=${y + 29}>${size}</text>`}
        </g>`;
      })}
    </svg>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Layers of ${image.name}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col" class="number">Size</th>
            <th scope="col" class="number">Share</th>
            <th scope="col">From</th>
            <th scope="col">Instruction</th>
          </tr>
        </thead>
        <tbody>
          ${image.layers.map(
            (l, i) =>
              html`<tr>
                <td><span class=${`swatch layer${i % COLORS}`} aria-hidden="true"></span> ${i + 1}</td>
                <td class="number">${bytes(l.size)}</td>
                <td class="number">${percent(l.size, image.size)}</td>
                <td>${l.from}</td>
                <td>${l.instruction}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p>
      ${`${bytes(image.hiddenBytes)} replaced or deleted by a later layer, and shipped all the same; ${bytes(image.duplicateBytes)} there more than once.`}
    </p>
  </div>`;
}
