// Go's string literals.

const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The text that a Go literal stands for: in quotes of any of the three kinds. */
export function unquoteGo(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner;
  return inner.replace(/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/g, (_, x, u, long, octal, c: string) => {
    const hex = (x ?? u ?? long) as string | undefined;
    if (hex !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal as string, 8));
    return SIMPLE[c] ?? c;
  });
}

/** As `%q` writes a text. */
export function quoteGo(text: string): string {
  return `"${text.replace(/["\\]|[^\x20-\x7e]/gu, (c) => {
    const named = Object.entries(SIMPLE).find(([, v]) => v === c)?.[0];
    if (named !== undefined) return `\\${named}`;
    if (c === '"' || c === '\\') return `\\${c}`;
    if (/[\p{L}\p{N}\p{P}\p{S}\p{M}]/u.test(c)) return c;
    const code = c.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  })}"`;
}
