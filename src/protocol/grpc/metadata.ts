// Metadata of a call as HTTP/2 headers: names in lower case, several values of one name, `-bin` in base64.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** All values of a name. */
export function valuesOf(headers: IncomingHttpHeaders, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

export function headersOf(metadata: Metadata): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : [...value]]),
  );
}

/** ms that a call may take, of `grpc-timeout`. */
export function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'] ?? '')) ?? [];
  if (digits === undefined) return undefined;
  const ms = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }[unit as 'H'];
  return Math.min(Number(digits) * ms, 2 ** 31 - 1);
}
