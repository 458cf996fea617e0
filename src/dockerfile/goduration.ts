// Durations as Go writes them (`1h2m3.5s`), refused in Go's words: Docker passes these on unchanged.
import { quote } from './chars.ts';
import { LanguageFault } from './errors.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX = (1n << 63n) - 1n;

/** Nanoseconds. */
export function parseGoDuration(text: string): number {
  const invalid = () => new LanguageFault('duration', `time: invalid duration ${quote(text)}`);
  const sign = text.startsWith('-') ? -1 : 1;
  let at = text.startsWith('-') || text.startsWith('+') ? 1 : 0;
  if (text.slice(at) === '0') return 0;
  if (at >= text.length) throw invalid();
  let total = 0n;
  while (at < text.length) {
    const [number, whole = '', fraction = ''] = /^([0-9]*)(?:\.([0-9]*))?/.exec(text.slice(at)) ?? [''];
    if (whole === '' && fraction === '') throw invalid();
    at += number.length;
    const unit = /^[^.0-9]*/.exec(text.slice(at))?.[0] ?? '';
    if (unit === '') throw new LanguageFault('duration', `time: missing unit in duration ${quote(text)}`);
    const scale = UNITS[unit];
    if (scale === undefined) throw new LanguageFault('duration', `time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    at += unit.length;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction.slice(0, 18)) * scale) / 10n ** BigInt(Math.min(fraction.length, 18));
    if (total > MAX) throw invalid();
  }
  return sign * Number(total);
}
