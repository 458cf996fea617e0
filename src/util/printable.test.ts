import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableJson, printableLine, printableWithColor } from './printable.ts';

const ESC = '\u001b';

/** What a terminal obeys, with a word that has to stay readable. */
const HOSTILE = [
  `${ESC}[2J`,
  `${ESC}[1A${ESC}[K`,
  `${ESC}]0;title\u0007`,
  `${ESC}]52;c;cm0gLXJm${ESC}\\`,
  `${ESC}]8;;http://evil${ESC}\\`,
  `${ESC}P1$r${ESC}\\`,
  `${ESC}_apc${ESC}\\`,
  `${ESC}c`,
  `${ESC}(0`,
  `${ESC}[?1049h`,
  '\u009b2J',
  '\u009d0;t\u009c',
  '\u0007',
  '\b\b\b',
  '\u007f',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\udc00',
  '\u0000',
];

test('nothing that a terminal obeys is left', () => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;
  for (const text of HOSTILE) {
    const mixed = `word${text}word`;
    for (const [name, made] of [
      ['printable', printable(mixed)],
      ['printableWithColor', printableWithColor(mixed)],
      ['printableLine', printableLine(mixed, { color: false })],
      ['printableLine with colour', printableLine(mixed, { color: true })],
    ] as const) {
      assert.doesNotMatch(made, obeyed, `${name} of ${JSON.stringify(text)}: ${JSON.stringify(made)}`);
      assert.match(made, /^word/, name);
    }
  }
});

test('what is harmless stays as it is', () => {
  for (const text of ['', 'a\tb\nc', 'Grüße, 世界 👩‍👩‍👧 é', 'x'.repeat(10_000)]) {
    assert.equal(printable(text), text);
    assert.equal(printableWithColor(text), text);
    assert.equal(printableJson(text), text);
  }
  assert.equal(printable(`a${ESC}[31mb`), 'a\\x1b[31mb');
  assert.equal(printableWithColor(`${ESC}[1;31mred${ESC}[0m\r\n`), `${ESC}[1;31mred${ESC}[0m\r\n`);
});

test('lines of programs keep their colours, and end them', () => {
  assert.equal(printableLine(`${ESC}[32mok${ESC}[2K`, { color: true }), `${ESC}[32mok${ESC}[0m`);
  assert.equal(printableLine(`${ESC}[32mok`, { color: false }), 'ok');
  assert.equal(printableLine('10%\r50%\r100%\r', { color: true }), '100%');
  assert.equal(printableLine(`a${ESC}]0;never ended`, { color: true }), 'a');
});

test('JSON stays the same document', () => {
  const value = { text: HOSTILE.join('') };
  const json = printableJson(JSON.stringify(value));
  assert.deepEqual(JSON.parse(json), value);
  assert.doesNotMatch(json, /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
});
