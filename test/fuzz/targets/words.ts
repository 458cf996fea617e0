// Words of the shell language of Dockerfiles, expanded in every way.
import { expandWord, expandWords } from '../../../src/dockerfile/index.ts';
import { broken, Grammar } from '../grammar.ts';
import { asText, type Target, typed } from '../target.ts';

const ENV = new Map([
  ['A', 'a/b/a'],
  ['B', ''],
  ['PATH', '/bin'],
]);
const WAYS = [{}, { escape: '`' }, { keepQuotes: true }, { ignoreQuotes: true, keepUnset: true }, { dialect: 'classic' }] as const;

export const target: Target = {
  make: (r) => {
    const grammar = new Grammar(r);
    return broken(Array.from({ length: 1 + r.below(5) }, () => grammar.atom()).join(''), r);
  },
  attempt: (input) => {
    const word = asText(input);
    for (const options of WAYS) for (const expand of [expandWord, expandWords]) typed(() => expand(word, ENV, options));
  },
};
