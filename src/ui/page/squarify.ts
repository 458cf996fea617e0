// Rectangles within one, as large as their sizes ask, and as square as can be.

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Fills a rectangle with ones of these sizes, each as square as can be (Bruls, Huizing, van Wijk: Squarified Treemaps). Sizes fall. */
export function squarify(sizes: readonly number[], area: Rectangle): Rectangle[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const out: Rectangle[] = [];
  let { x, y, width, height } = area;
  const scale = total === 0 ? 0 : (area.width * area.height) / total;
  for (let i = 0; i < sizes.length;) {
    const side = Math.min(width, height);
    let row: number[] = [];
    let worst = Number.POSITIVE_INFINITY;
    for (let k = i; k < sizes.length; k++) {
      const next = [...row, (sizes[k] ?? 0) * scale];
      const sum = next.reduce((a, b) => a + b, 0);
      const ratio = Math.max((side * side * (next[0] ?? 0)) / (sum * sum), (sum * sum) / (side * side * Math.max(next.at(-1) ?? 0, 1e-9)));
      if (ratio > worst) break;
      [row, worst] = [next, ratio];
    }
    const sum = row.reduce((a, b) => a + b, 0);
    const thick = side === 0 ? 0 : sum / side;
    let at = 0;
    for (const part of row) {
      const long = thick === 0 ? 0 : part / thick;
      out.push(width >= height ? { x, y: y + at, width: thick, height: long } : { x: x + at, y, width: long, height: thick });
      at += long;
    }
    if (width >= height) [x, width] = [x + thick, Math.max(0, width - thick)];
    else [y, height] = [y + thick, Math.max(0, height - thick)];
    i += Math.max(1, row.length);
  }
  return out;
}
