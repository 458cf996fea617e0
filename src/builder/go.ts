// The spellings of Go's fmt that stand in image histories and messages of both engines.
import { quote } from '../dockerfile/index.ts';

/** `%q` of a list of strings. */
export const quotedList = (list: readonly string[]): string => `[${list.map(quote).join(' ')}]`;

/** `%v` of a list of strings. */
export const list = (items: readonly string[]): string => `[${items.join(' ')}]`;

/** `%v` of a time.Duration given in ns. */
export function duration(ns: number): string {
  if (ns === 0) return '0s';
  const trim = (n: number): string => String(Number(n.toFixed(9)));
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${trim(ns / 1e3)}µs`;
  if (ns < 1e9) return `${trim(ns / 1e6)}ms`;
  const hours = Math.floor(ns / 3600e9);
  const minutes = Math.floor((ns % 3600e9) / 60e9);
  const seconds = trim((ns % 60e9) / 1e9);
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

/** `%q` of a number: the character of that code in single quotes. */
export function quotedRune(code: number): string {
  if (code === 0x27) return `'\\''`;
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return `'\ufffd'`;
  const char = String.fromCodePoint(code);
  return `'${char === '"' ? char : quote(char).slice(1, -1)}'`;
}

/** A map as Go prints and stores it: with its keys in order. */
export const sortedMap = <T>(map: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
