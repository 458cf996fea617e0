// Variables, quotes and escapes: every form that the reference documents, and the corners that people met.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSlipwayError } from '../../model/index.ts';
import { expandWord, expandWords, type ExpandOptions } from '../index.ts';

const env = new Map([
  ['A', 'value'],
  ['EMPTY', ''],
  ['PATH', '/usr/local/bin/app'],
  ['BLANKS', 'a b  c'],
  ['DOTS', 'foo.bar.baz'],
]);

const check = (word: string, expected: string, options?: ExpandOptions): void =>
  assert.equal(expandWord(word, env, options).value, expected, word);
const words = (text: string, expected: readonly string[]): void => assert.deepEqual(expandWords(text, env).words, expected, text);

function refused(word: string, message: RegExp): void {
  assert.throws(
    () => expandWord(word, env),
    (e) => isSlipwayError(e) && e.kind === 'invalid-argument' && message.test(e.message),
    word,
  );
}

test('names and braces', () => {
  check('$A', 'value');
  check('${A}', 'value');
  check('x${A}y', 'xvaluey');
  check('$A_x', '');
  check('$A-x', 'value-x');
  check('$NONE', '');
  check('$', '$');
  check('$$', ''); // the shell's own parameters are names like others, and not set
  check('a$', 'a$');
  check('$1', '');
});

test('defaults: :- and -', () => {
  check('${A:-other}', 'value');
  check('${NONE:-other}', 'other');
  check('${EMPTY:-other}', 'other');
  check('${EMPTY-other}', '');
  check('${NONE-other}', 'other');
  check('${NONE:-${A}}', 'value');
  check('${NONE:-${NONE2:-deep}}', 'deep');
  check('${NONE:-}', '');
});

test('alternatives: :+ and +', () => {
  check('${A:+other}', 'other');
  check('${NONE:+other}', '');
  check('${EMPTY:+other}', '');
  check('${EMPTY+other}', 'other');
  check('${A:+$DOTS}', 'foo.bar.baz');
});

test('required: :? and ?', () => {
  check('${A:?gone}', 'value');
  refused('${NONE:?it is needed}', /NONE: it is needed/);
  refused('${EMPTY:?it is needed}', /EMPTY: it is needed/);
  check('${EMPTY?it is needed}', '');
  refused('${NONE?}', /NONE/);
});

test('prefixes and suffixes: # ## % %%', () => {
  check('${PATH#*/}', 'usr/local/bin/app');
  check('${PATH##*/}', 'app');
  check('${PATH%/*}', '/usr/local/bin');
  check('${PATH%%/*}', '');
  check('${DOTS#foo.}', 'bar.baz');
  check('${DOTS%.*}', 'foo.bar');
  check('${DOTS%%.*}', 'foo');
  check('${DOTS#b?r}', 'foo.bar.baz');
  check('${DOTS#f??}', '.bar.baz');
});

test('replacements: / and //', () => {
  check('${DOTS/ba/x}', 'foo.xr.baz');
  check('${DOTS//ba/x}', 'foo.xr.xz');
  check('${DOTS//./-}', 'foo-bar-baz');
  check('${DOTS//./}', 'foobarbaz');
  check('${DOTS/b*z/end}', 'foo.end');
  check('${DOTS//./${A}}', 'foovaluebarvaluebaz');
});

test('quotes and escapes', () => {
  check('"$A"', 'value');
  check("'$A'", '$A');
  check('\\$A', '$A');
  check('"\\$A"', '$A');
  check('"a\\"b"', 'a"b');
  check("'a\\b'", 'a\\b');
  check('"a\\nb"', 'a\\nb');
  check('a\\ b', 'a b');
  check('\\\\', '\\');
  check('`$A', '$A', { escape: '`' });
  check('\\$A', '\\value', { escape: '`' });
  check('"$A"', '"value"', { keepQuotes: true });
  check('$NONE', '$NONE', { keepUnset: true });
  check('${NONE}', '${NONE}', { keepUnset: true });
});

test('words are cut at blanks, also at those that variables bring', () => {
  words('a  b', ['a', 'b']);
  words('"a b" c', ['a b', 'c']);
  words('$BLANKS', ['a', 'b', 'c']);
  words('"$BLANKS"', ['a b  c']);
  words('x$BLANKS', ['xa', 'b', 'c']);
  words('$EMPTY', []);
  words("'' a", ['a']);
});

test('what is not finished is refused', () => {
  refused('${A', /unsupported modifier/);
  refused('${A:', /modifier|missing/i);
  refused('${A:x}', /unsupported modifier/);
  refused('"a', /double-quote/);
  refused("'a", /single-quote/);
  refused('${}', /bad substitution/);
});

test('names that were looked up are told', () => {
  const { used, unmatched } = expandWord('$A ${NONE:-$OTHER} ${EMPTY}', env);
  assert.deepEqual([...used].sort(), ['A', 'EMPTY']);
  assert.deepEqual([...unmatched].sort(), ['NONE', 'OTHER']);
});

test('depth and length: nesting is no recursion, and doubling is bounded', () => {
  const depth = 100_000;
  check(`${'${NONE:-'.repeat(depth)}x${'}'.repeat(depth)}`, 'x');
  const large = new Map([['L', 'x'.repeat(1 << 20)]]);
  assert.throws(() => expandWord('$L'.repeat(1000), large), { kind: 'invalid-argument' });
});

test('values that double are refused before they fill the memory', () => {
  const large = new Map([['A', 'x'.repeat(1 << 23)]]);
  assert.equal(expandWord('$A', large).value.length, 1 << 23);
  assert.throws(() => expandWord('$A$A$A', large), /the value becomes too long/);
});
