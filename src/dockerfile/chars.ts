// Character classes and quoting exactly as the reference implementation's language (Go) defines them, since Dockerfiles depend on the details.

/** Unicode white space in Go's sense: unlike JavaScript's it has U+0085 and lacks U+FEFF. */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** The blanks that separate words within an instruction: fewer than `isSpace`. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0b || code === 0x0c || code === 0x0d;
}

/** Index of the first character at or after `from` that is not white space. */
export function skipSpace(text: string, from: number, end = text.length): number {
  let at = from;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** End of `text` without trailing white space, not below `from`. */
export function trimEnd(text: string, from: number, end = text.length): number {
  let at = end;
  while (at > from && isSpace(text.charCodeAt(at - 1))) at--;
  return at;
}

export function trimSpace(text: string): string {
  const start = skipSpace(text, 0);
  return text.slice(start, trimEnd(text, start));
}

const LETTER = /^\p{L}$/u;
const DIGIT = /^\p{Nd}$/u;

/** Letters of any script, as names of variables may have. */
export function isLetter(char: string): boolean {
  const code = char.charCodeAt(0);
  if (code < 0x80) return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return LETTER.test(char);
}

export function isDigit(char: string): boolean {
  const code = char.charCodeAt(0);
  if (code < 0x80) return code >= 0x30 && code <= 0x39;
  return DIGIT.test(char);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** A string in double quotes as Go's `%q` prints it, which Docker's messages use throughout. */
export function quote(text: string): string {
  const out: string[] = ['"'];
  for (const char of text) {
    const short = SHORT_ESCAPES[char];
    if (short !== undefined) out.push(short);
    else if (!UNPRINTABLE.test(char)) out.push(char);
    else {
      const code = char.codePointAt(0) ?? 0;
      if (code < 0x80) out.push(`\\x${code.toString(16).padStart(2, '0')}`);
      else if (code < 0x10000) out.push(`\\u${code.toString(16).padStart(4, '0')}`);
      else out.push(`\\U${code.toString(16).padStart(8, '0')}`);
    }
  }
  out.push('"');
  return out.join('');
}
