// Templates of `--format`, applied to a value.
import { compileTemplate } from '../../../src/cli/template/index.ts';
import { broken, type Random } from '../grammar.ts';
import { asText, type Target, typed } from '../target.ts';

const VALUE = { A: { b: [1, 'x', null], 'c.d': true }, N: -1.5, L: ['a', 'b'], E: {}, Z: null };
const EXPRESSIONS = [
  '.A.b',
  '.N',
  '.None',
  '$',
  '$x',
  '(index .A.b 1)',
  'len .L',
  'printf "%-10s|%05d|%v" .L 3 .A',
  'json .',
  'join .L ","',
  'slice .L 1 2',
  'and .A .N | not',
  'eq .N 1 2 3',
  'lt .N "a"',
  '"\\n"',
  '`raw`',
  "'c'",
  '0x1F',
  'constructor',
  '.__proto__.x',
  'index .L -1',
  'html .A',
  'call .N',
];

function piece(r: Random, depth = 0): string {
  const e = r.of(EXPRESSIONS);
  const inner = depth < 4 ? r.many(2, () => piece(r, depth + 1)).join('') : 'x';
  switch (r.below(8)) {
    case 0:
      return `{{range $i, $e := ${e}}}${inner}{{$i}}{{else}}${inner}{{end}}`;
    case 1:
      return `{{if ${e}}}${inner}{{else if ${e}}}${inner}{{end}}`;
    case 2:
      return `{{with $x := ${e}}}${inner}{{end}}`;
    case 3:
      return `{{- ${e} | ${e} -}}`;
    case 4:
      return `{{define "t"}}${inner}{{end}}{{template "t" ${e}}}`;
    case 5:
      return `{{/* ${e} */}} ${e}`;
    default:
      return `{{${e}}}`;
  }
}

export const target: Target = {
  make: (r) => broken(r.many(4, () => piece(r)).join(''), r),
  attempt: (input) => {
    const template = typed(() => compileTemplate(asText(input)));
    if (template !== undefined) typed(() => template(VALUE));
  },
};
