// PAX extended headers (POSIX.1-2001 pax, "pax Extended Header"): records of the form `LENGTH KEY=VALUE\n`.
// Values stay bytes until somebody knows what they are: extended attributes are binary.
import { decodeName, encodeName } from '../sys/index.ts';

/** The records of one extended header in the order they stand in it; keys may repeat (GNU.sparse 0.0 does). */
export type PaxRecords = ReadonlyArray<readonly [key: string, value: Buffer]>;

/** Splits an extended header into its records; `undefined` where it is malformed. */
export function parsePaxRecords(data: Buffer): PaxRecords | undefined {
  const records: Array<readonly [string, Buffer]> = [];
  let at = 0;
  while (at < data.length) {
    let length = 0;
    let digits = 0;
    let cursor = at;
    for (; cursor < data.length && digits < 10; cursor++, digits++) {
      const digit = data[cursor]! - 0x30;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    // Some writers pad the header's data with NULs up to the block.
    if (digits === 0 && data[at] === 0) return records;
    const end = at + length;
    if (digits === 0 || data[cursor] !== 0x20 || end > data.length || end <= cursor + 1 || data[end - 1] !== 0x0a) return undefined;
    const equals = data.indexOf(0x3d, cursor + 1);
    if (equals < 0 || equals >= end - 1 || equals === cursor + 1) return undefined;
    records.push([decodeName(data.subarray(cursor + 1, equals)), data.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** One record's bytes. Its length counts its own digits. */
export function encodePaxRecord(key: string, value: string | Buffer): Buffer {
  const keyBytes = encodeName(key);
  const valueBytes = typeof value === 'string' ? encodeName(value) : value;
  const rest = keyBytes.length + valueBytes.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat(
    [Buffer.from(`${length} `, 'latin1'), keyBytes, Buffer.from('=', 'latin1'), valueBytes, Buffer.from('\n', 'latin1')],
    length,
  );
}

/** A decimal time with an optional fraction, as nanoseconds; digits beyond the ninth are cut off. */
export function parsePaxTime(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,18})(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const whole = BigInt(match[2]!) * 1_000_000_000n + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  return match[1] === '-' ? -whole : whole;
}

/** The shortest decimal text of a time. */
export function formatPaxTime(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const fraction = (magnitude % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${magnitude / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A decimal integer without sign games; `undefined` where it is none or too large for a double. */
export function parsePaxInteger(text: string): number | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
