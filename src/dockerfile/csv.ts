// One record of comma-separated values with quoted fields, as the options of a mount are written.
import { LanguageFault } from './errors.ts';

/**
 * @param what the fields are, for messages
 * @throws LanguageFault for quotes that do not fit
 */
export function parseCsvRecord(text: string, what = 'mounts'): string[] {
  const fields: string[] = [];
  if (text === '') throw new LanguageFault('run-mount', `failed to parse csv ${what}: EOF`);
  let at = 0;
  const fail = (column: number, what: string): never => {
    throw new LanguageFault('run-mount', `failed to parse csv ${what}: parse error on line 1, column ${column + 1}: ${what}`);
  };
  for (;;) {
    if (text[at] === '"') {
      const parts: string[] = [];
      at++;
      for (;;) {
        const close = text.indexOf('"', at);
        if (close < 0) fail(text.length - 1, 'extraneous or missing " in quoted-field');
        parts.push(text.slice(at, close));
        at = close + 1;
        if (text[at] !== '"') break;
        parts.push('"');
        at++;
      }
      if (at < text.length && text[at] !== ',') fail(at - 1, 'extraneous or missing " in quoted-field');
      fields.push(parts.join(''));
    } else {
      const comma = text.indexOf(',', at);
      const field = text.slice(at, comma < 0 ? text.length : comma);
      const bare = field.indexOf('"');
      if (bare >= 0) fail(at + bare, 'bare " in non-quoted-field');
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    at++;
  }
}
