import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSlipwayError, type SlipwayError } from '../model/index.ts';
import { formatDockerfile } from './format.ts';
import type { PartReader } from './include.ts';
import { flattenDockerfile } from './portable.ts';
import { parseBeginning, parseDockerfile } from './stages.ts';

const HEAD = '# slipway:features=include\n';

const reader =
  (parts: Readonly<Record<string, string>>): PartReader =>
  (path) => ({ name: path, id: path, text: parts[path] ?? assert.fail(`there is no ${path}`) });

const parsed = (text: string, parts: Readonly<Record<string, string>>) => parseDockerfile(text, { include: reader(parts) });

function refused(work: () => unknown): SlipwayError {
  try {
    work();
  } catch (e) {
    if (isSlipwayError(e)) return e;
    throw e;
  }
  return assert.fail('it was not refused');
}

const at = (e: SlipwayError): string => `${e.source?.file}:${e.source?.range.start.line}`;

test('parts bring instructions and stages, and keep their places', () => {
  const text = `${HEAD}INCLUDE args\nFROM $BASE AS one\nRUN a\nINCLUDE more\nRUN d\n`;
  const { stages, metaArgs, inclusions } = parsed(text, {
    args: 'ARG BASE=x\n',
    more: '# about b\nRUN b\n\nINCLUDE deeper\n',
    deeper: 'FROM one AS two\nRUN c',
  });
  assert.equal(metaArgs[0]?.file.name, 'args');
  const placed = stages.map(({ from, commands }) =>
    [from, ...commands].map(({ file, range, original }) => `${file.name}:${range.start.line} ${original}`),
  );
  assert.deepEqual(placed, [
    ['Dockerfile:3 FROM $BASE AS one', 'Dockerfile:4 RUN a', 'more:2 RUN b'],
    ['deeper:1 FROM one AS two', 'deeper:2 RUN c', 'Dockerfile:6 RUN d'],
  ]);
  assert.deepEqual(
    inclusions.map(({ file, path }) => `${file.name} ${path}`),
    ['Dockerfile args', 'Dockerfile more', 'more deeper'],
  );
});

test('comments above an INCLUDE stand above the first instruction of the part', () => {
  const { stages } = parsed(`${HEAD}# test: one\nINCLUDE stage\n`, { stage: '# more of it\nFROM x\n' });
  assert.deepEqual(stages[0]?.comments, ['test: one', 'more of it']);
});

test('the escape character is that of the file; a part may not have another', () => {
  const text = '# escape=`\n# slipway:features=include\nFROM x\nINCLUDE part\n';
  assert.equal(parsed(text, { part: 'RUN a `\n b\n' }).stages[0]?.commands.length, 1);
  const e = refused(() => parsed(`${HEAD}FROM x\nINCLUDE part\n`, { part: '# escape=`\nRUN a\n' }));
  assert.match(e.message, /the escape character of part is not that of the file that includes it/);
  assert.equal(at(e), 'part:1');
});

for (const [what, text, parts, message, place] of [
  ['a flag', `${HEAD}FROM x\nINCLUDE --x a`, {}, /INCLUDE has no flags: --x/, 'Dockerfile:3'],
  ['no path', `${HEAD}FROM x\nINCLUDE`, {}, /requires exactly one argument/, 'Dockerfile:3'],
  ['a variable', `${HEAD}FROM x\nINCLUDE $A`, {}, /takes no variables/, 'Dockerfile:3'],
  ['an absolute path', `${HEAD}FROM x\nINCLUDE /a`, {}, /relative/, 'Dockerfile:3'],
  ['a circle', `${HEAD}FROM x\nINCLUDE a`, { a: 'RUN a\nINCLUDE b', b: 'INCLUDE a' }, /a includes itself/, 'b:1'],
  ['a mistake in a part', `${HEAD}FROM x\nINCLUDE a`, { a: 'RUN a\nRUNN b' }, /unknown instruction: RUNN \(did you mean RUN\?\)/, 'a:2'],
  ['a part that cannot be parsed', `${HEAD}FROM x\nINCLUDE a`, { a: 'RUN <<X\nb' }, /unterminated heredoc/, 'a:1'],
  ['an instruction before the first FROM', `${HEAD}INCLUDE a\nFROM x`, { a: 'RUN a' }, /no build stage in current context/, 'a:1'],
  ['no leave', 'FROM x\nINCLUDE a', { a: 'RUN a' }, /unknown instruction: INCLUDE/, 'Dockerfile:2'],
  ['a trigger', `${HEAD}FROM x\nONBUILD INCLUDE a`, { a: 'RUN a' }, /INCLUDE isn't allowed as an ONBUILD trigger/, 'Dockerfile:3'],
] as const) {
  test(`refused: ${what}`, () => {
    const e = refused(() => parsed(text, parts));
    assert.match(e.message, message);
    assert.equal(at(e), place);
  });
}

test('a mistake in a part says what includes it, and what stands before it is parsed', () => {
  const include = reader({ a: 'INCLUDE b\n', b: 'RUN good\nRUN --nope bad\n' });
  const { dockerfile, error } = parseBeginning(`${HEAD}FROM x\nINCLUDE a\n`, { include });
  assert.equal(dockerfile.stages[0]?.commands.length, 1);
  assert.deepEqual(error?.hints.slice(-1), ['included by a:1, included by Dockerfile:3']);
});

test('depth and number are bounded', () => {
  const deep: PartReader = (path) => ({ name: path, id: path, text: `INCLUDE ${Number(path) + 1}\n` });
  assert.match(refused(() => parseDockerfile(`${HEAD}FROM x\nINCLUDE 1\n`, { include: deep })).message, /deeper than 16 files/);
  const wide: PartReader = (path) => ({ name: path, id: path, text: path === '9' ? 'RUN x\n' : `INCLUDE ${Number(path) + 1}\n`.repeat(4) });
  assert.match(refused(() => parseDockerfile(`${HEAD}FROM x\nINCLUDE 1\n`, { include: wide })).message, /more than 256 files/);
});

const FLAT = `# syntax=docker/dockerfile:1
# slipway:features=include,retry
# check=skip=NonPortableSyntax,JSONArgsRecommended
INCLUDE args
FROM $BASE
# why
INCLUDE steps
CMD sh
`;
const PARTS = {
  args: '# escape=\\\n# slipway:features=include\nARG BASE=x',
  steps: 'RUN <<X\na\nX\nINCLUDE last\n',
  last: 'RUN b \\\n  c\n',
};

test('flatten writes the plain file', () => {
  const plain = flattenDockerfile(FLAT, { include: reader(PARTS) });
  assert.equal(
    plain,
    '# syntax=docker/dockerfile:1\n# check=skip=JSONArgsRecommended\nARG BASE=x\nFROM $BASE\n# why\nRUN <<X\na\nX\nRUN b \\\n  c\nCMD sh\n',
  );
  assert.equal(flattenDockerfile(plain), plain, 'which is as plain as it gets');
});

test('flatten refuses what no other builder has, and says where', () => {
  const e = refused(() => flattenDockerfile(FLAT, { include: reader({ ...PARTS, last: 'RUN --retry=2 x\nRUN --retry=3 y\n' }) }));
  assert.match(e.message, /RUN --retry=2 has no plain form/);
  assert.equal(at(e), 'last:1');
  assert.deepEqual(e.hints, ['nor has RUN --retry=3 (last:2)']);
});

test('flatten refuses a part that ends within an instruction', () => {
  const e = refused(() => flattenDockerfile(FLAT, { include: reader({ ...PARTS, last: 'RUN b \\\n' }) }));
  assert.match(e.message, /it ends within an instruction/);
});

test('format keeps an INCLUDE as it is', () => {
  assert.equal(
    formatDockerfile('# slipway:features=include\nINCLUDE   base\nrun  x\n\n\ninclude parts/a\n'),
    '# slipway:features=include\nINCLUDE base\nRUN x\n\nINCLUDE parts/a\n',
  );
});

test('the check directive counts before and behind # slipway:features; escape before it alone', () => {
  for (const text of ['# check=skip=A\n# slipway:features=retry\nFROM x\n', '# slipway:features=retry\n# check=skip=A\nFROM x\n'])
    assert.deepEqual(
      parseDockerfile(text).directives.map(({ name, value }) => [name, value]),
      [['check', 'skip=A']],
    );
  assert.match(refused(() => parseDockerfile('# slipway:features=retry\n# escape=`\nFROM x\n')).message, /other builders do not see it/);
});
