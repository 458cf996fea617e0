// Text from outside, made safe for a terminal: names, labels and messages of images, registries and Dockerfiles may hold control characters
// that move the cursor, retitle the window, write to the clipboard or turn the direction of text (decision 022).

/**
 * C0 (but line feed and tab), DEL, C1, the marks and overrides of text direction, line and paragraph separators, and halves of
 * surrogate pairs.
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Colours and the like: `ESC [ … m`. */
// oxlint-disable-next-line no-control-regex -- the same
const COLOR_OR_UNSAFE = new RegExp(`(\\u001b\\[[0-9;:]*m|\\r(?=\\n))|${UNSAFE.source}`, 'g');

/** Control sequences (ECMA-48): CSI with its parameters, OSC, DCS, SOS, PM and APC up to their end, and the short ones of two or three characters. */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- the same
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*(?:[@-~]|$)|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]*(?:[0-~]|$)/g;

/** Every control character shown as `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escape);
}

/** The same for text of Slipway's own that has colours; a carriage return before a line feed stays too. */
export function printableWithColor(text: string): string {
  return text.replace(COLOR_OR_UNSAFE, (found, kept: string | undefined) => kept ?? escape(found));
}

/** A line that a program wrote, as a terminal would show it in the end, with its colours or without; other control sequences are left out. */
export function printableLine(line: string, o: { readonly color: boolean }): string {
  let color = false;
  const plain = line.replace(SEQUENCE, (sequence) => {
    const keeps = o.color && sequence.endsWith('m') && /^.\[[0-9;:]*m$/s.test(sequence);
    color ||= keeps;
    return keeps ? sequence : '';
  });
  // What stands before a carriage return is written over.
  const shown = plain.replace(/\r+$/, '').split('\r').at(-1)!;
  return `${printableWithColor(shown)}${color ? '\u001b[0m' : ''}`;
}

/** JSON in which such characters are written as escapes: the same document. */
export function printableJson(json: string): string {
  return json.replace(UNSAFE, (c) => (c === '\r' ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

function escape(c: string): string {
  const code = c.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
