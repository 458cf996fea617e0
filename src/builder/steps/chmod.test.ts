import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseModeChange } from './chmod.ts';

const check = (text: string, before: number, after: number, directory = false): void => {
  test(`${text} of ${before.toString(8)}${directory ? ' (directory)' : ''}`, () => {
    assert.equal(parseModeChange(text).apply(before, directory).toString(8), after.toString(8));
  });
};

check('755', 0o640, 0o755);
check('0600', 0o755, 0o600);
check('4711', 0o644, 0o4711);
check('+x', 0o640, 0o751);
check('+w', 0o640, 0o662);
check('=r', 0o640, 0o444);
check('a=rwx', 0o640, 0o777);
check('g=s', 0o640, 0o2600);
check('o+w,ug-r', 0o640, 0o202);
check('g=u', 0o640, 0o660);
check('a-r,u+w', 0o640, 0o200);
check('u+s,o+t', 0o755, 0o4755);
check('u+t', 0o755, 0o1755);
check('=t', 0o644, 0o1644);
check('+rt', 0o600, 0o1600);
check('a=t', 0o644, 0o1000);
check('o=t', 0o644, 0o640);
check('go+st', 0o644, 0o3644);
check('g=u+t', 0o2755, 0o3775);
check('=rx', 0o7755, 0o1555);
check('u=rwX,go=rX', 0o640, 0o644);
check('u=rwX,go=rX', 0o755, 0o755);
check('u=rwX,go=rX', 0o700, 0o755, true);

test('what is no mode is refused in the words that people know', () => {
  for (const text of ['999', '10000', '99x', '0o7', '7 7']) {
    assert.throws(() => parseModeChange(text), {
      code: 'copy.bad-chmod',
      message: `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    });
  }
  for (const text of ['u', 'z+x', 'u+q', '', 'u+x,', 'u~x', '-1'])
    assert.throws(() => parseModeChange(text), { code: 'copy.bad-chmod', message: 'invalid syntax' });
});

test('only a number names the mode of directories made on the way', () => {
  assert.equal(parseModeChange('4711').octal, 0o4711);
  assert.equal(parseModeChange('u+x').octal, undefined);
});
