import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnvFile } from './env-file.ts';

const parse = (text: string | Buffer): string[] => parseEnvFile(Buffer.from(text), { HOME: '/h', EMPTY: '' }, 'f');

test('values are taken as they stand, names alone from the caller', () => {
  assert.deepEqual(parse('A=1\n  B= x \n# c\n\nC==\r\nD="q"\nHOME\nEMPTY\nNONE\nE=a b#c'), [
    'A=1',
    'B= x ',
    'C==',
    'D="q"',
    'HOME=/h',
    'EMPTY=',
    'E=a b#c',
  ]);
  assert.deepEqual(parse('\ufeffA=1\nconstructor\n'), ['A=1']);
  assert.deepEqual(parse(''), []);
});

test('what is wrong is reported in Docker’s words', () => {
  for (const [text, message] of [
    ['=x', "invalid env file (f): no variable name on line '=x'"],
    ['a b=x', "invalid env file (f): variable 'a b' contains whitespaces"],
    ['A=1\nE\t=1', "invalid env file (f): variable 'E\t' contains whitespaces"],
    [Buffer.from([0x41, 0x3d, 10, 0xff, 0x3d, 0x32]), 'invalid env file (f): invalid utf8 bytes at line 2: [255 61 50]'],
    [`A=${'x'.repeat(70_000)}`, 'invalid env file (f): bufio.Scanner: token too long'],
  ] as const)
    assert.throws(() => parse(text as string), { message, exitCode: 125 });
});
