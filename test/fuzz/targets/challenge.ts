// `WWW-Authenticate` headers.
import assert from 'node:assert/strict';
import { parseChallenges } from '../../../src/registry/challenge.ts';
import { broken } from '../grammar.ts';
import { asText, type Target, typed } from '../target.ts';

const HEADERS = [
  'Basic realm="a \\" b", Bearer realm="https://h/t",service="a, b",scope="x:pull,push"',
  'bEaReR a=b c = "d',
  'Negotiate abc==',
];

export const target: Target = {
  make: (r) => broken(r.of(HEADERS), r),
  attempt: (input) => {
    for (const { scheme } of typed(() => parseChallenges(asText(input))) ?? []) assert.equal(scheme, scheme.toLowerCase());
  },
};
