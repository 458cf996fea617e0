// Small graphs side by side as one SVG: both axes logarithmic, so that what is linear rises one decade in each, and what is constant lies flat.

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; /** ms */ readonly y: number }[];
}

export interface Graph {
  readonly title: string;
  readonly lines: readonly Line[];
}

const WIDTH = 300;
const HEIGHT = 220;
const LEFT = 46;
const TOP = 26;
const INNER = { width: 236, height: 140 };
const COLORS = ['#0b7285', '#e8590c', '#5f3dc4', '#2b8a3e'];

export function plot(graphs: readonly Graph[]): string {
  const rows = Math.ceil(graphs.length / 2);
  const parts = graphs.map((graph, i) => `<g transform="translate(${(i % 2) * WIDTH} ${Math.floor(i / 2) * HEIGHT})">${draw(graph)}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH} ${rows * HEIGHT}" font-family="sans-serif" font-size="10" role="img" aria-label="Time of commands by size">`,
    '<style>text{fill:#495057}path,polyline{fill:none;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#ced4da}}</style>',
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function draw({ title, lines }: Graph): string {
  const points = lines.flatMap((line) => line.points);
  const [x0, x1] = decades(points.map((p) => p.x));
  const [y0, y1] = decades(points.map((p) => p.y));
  const x = (n: number): string => (LEFT + (INNER.width * (Math.log10(n) - x0)) / (x1 - x0)).toFixed(1);
  const y = (n: number): string => (TOP + INNER.height * (1 - (Math.log10(n) - y0) / (y1 - y0))).toFixed(1);
  const grid = [
    ...between(x0, x1).map(
      (d) =>
        `<path stroke="#868e9640" d="M${x(10 ** d)} ${TOP}v${INNER.height}"/><text text-anchor="middle" x="${x(10 ** d)}" y="${TOP + INNER.height + 14}">${(10 ** d).toLocaleString('en')}</text>`,
    ),
    ...between(y0, y1).map(
      (d) =>
        `<path stroke="#868e9640" d="M${LEFT} ${y(10 ** d)}h${INNER.width}"/><text text-anchor="end" x="${LEFT - 5}" y="${Number(y(10 ** d)) + 3}">${d < 3 ? `${10 ** d} ms` : `${10 ** (d - 3)} s`}</text>`,
    ),
  ];
  const drawn = lines.map(
    (line, i) =>
      `<polyline stroke="${COLORS[i % COLORS.length]}" points="${line.points.map((p) => `${x(p.x)},${y(p.y)}`).join(' ')}"/>` +
      `<text x="${LEFT + (i % 2) * 120}" y="${TOP + INNER.height + 30 + 13 * Math.floor(i / 2)}"><tspan fill="${COLORS[i % COLORS.length]}">●</tspan> ${line.name}</text>`,
  );
  return `<text x="${LEFT}" y="16" font-weight="bold">${title}</text>${grid.join('')}${drawn.join('')}`;
}

/** The powers of ten that hold all of them, as exponents, at least one apart. */
function decades(numbers: readonly number[]): [number, number] {
  const low = Math.floor(Math.log10(Math.min(...numbers)) + 1e-9);
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...numbers)) - 1e-9))];
}

const between = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
