// Ignore files and the paths that they are matched with.
import { IgnoreMatcher, parseIgnore } from '../../../src/dockerfile/index.ts';
import { broken, type Random } from '../grammar.ts';
import { type Target, typed } from '../target.ts';

const PIECES = [
  'a',
  'b.txt',
  '*',
  '**',
  '?',
  '[a-z]',
  '[^b]',
  '[',
  ']',
  '\\',
  '\\*',
  '/',
  '/',
  './',
  '..',
  '!',
  '#',
  ' ',
  'é',
  '{',
  '+',
  '$',
  '(a',
  '|',
];
const PATHS = ['a', 'a/b.txt', 'a/b/c/d/e/f', '.hidden', 'a'.repeat(120), 'a/'.repeat(60), '[', 'é/ü', 'aaaa/aaab.txt'];
const line = (r: Random): string => r.many(12, () => r.of(PIECES)).join('');

export const target: Target = {
  make: (r) => broken(r.many(6, () => line(r)).join('\n'), r),
  attempt: (input) => {
    typed(() => {
      const matcher = new IgnoreMatcher(parseIgnore(input));
      for (const path of PATHS) matcher.matches(path);
    });
  },
};
