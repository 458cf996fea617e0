// Sizes as Docker writes and reads them (decimal units out, binary units in).

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const FACTORS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** '4.26MB', '630MB': decimal units with `precision` significant digits (Docker: 3 in tables of images, 4 elsewhere). */
export function formatBytes(bytes: number, precision = 4): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return significant(value, precision) + UNITS[unit]!;
}

/** '512m', '1.5G', '64MiB', '100' → bytes; undefined when it is no size. Units are binary, as in `--memory`. */
export function parseBytes(s: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(s.trim());
  if (m === null) return undefined;
  return Math.floor(Number(m[1]) * FACTORS[m[2]!.toLowerCase()]!);
}

/** Like C's %.*g, without an exponent for the sizes at hand. */
function significant(value: number, precision: number): string {
  const text = value.toPrecision(precision);
  if (text.includes('e')) return String(Number(text));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
