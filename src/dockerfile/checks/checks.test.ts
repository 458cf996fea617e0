import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBeginning, parseDockerfile } from '../stages.ts';
import { checkBeginning, type CheckOptions, checkDockerfile } from './index.ts';
import { RULES, ruleUrl } from './rules.ts';

function check(text: string, o: Partial<CheckOptions> = {}) {
  const dockerfile = parseDockerfile(text);
  return checkDockerfile(dockerfile, {
    globals: new Map(),
    buildArgs: {},
    platformArgs: new Map([['TARGETPLATFORM', 'linux/amd64']]),
    stages: new Map(dockerfile.stages.map((s) => [s.index, { env: new Map([['PATH', '/bin']]), shell: false }])),
    isIgnored: (path) => path === 'ignored',
    isImageName: (name) => /^[a-z0-9:./-]+$/.test(name) && !/[:/]$/.test(name),
    ...o,
  });
}

/** Rule and line of each warning. */
const found = (text: string, o?: Partial<CheckOptions>): string[] =>
  check(text, o).warnings.map((w) => `${w.rule} ${w.source.range.start.line}`);

/** A Dockerfile with the fault, the same without it, and the line of the fault. */
const CASES: Readonly<Record<keyof typeof RULES, readonly [string, string, number]>> = {
  StageNameCasing: ['FROM a AS Base', 'FROM a AS base', 1],
  FromAsCasing: ['FROM a as base', 'from a as base', 1],
  NoEmptyContinuation: ['FROM a\nRUN x \\\n\n y', 'FROM a\nRUN x \\\n y', 4],
  ConsistentInstructionCasing: ['FROM a\nRUN x\nrun y', 'from a\nrun x\nrun y', 3],
  DuplicateStageName: ['FROM a AS x\nFROM b AS x', 'FROM a AS x\nFROM b AS y', 2],
  ReservedStageName: ['FROM a AS context', 'FROM a AS contexts', 1],
  JSONArgsRecommended: ['FROM a\nCMD x', 'FROM a\nCMD ["x"]', 2],
  MaintainerDeprecated: ['FROM a\nMAINTAINER me', 'FROM a\nLABEL maintainer=me', 2],
  UndefinedArgInFrom: ['FROM a$TAG', 'ARG TAG=1\nFROM a$TAG', 1],
  WorkdirRelativePath: ['FROM a\nWORKDIR b', 'FROM a\nWORKDIR /a\nWORKDIR b', 2],
  UndefinedVar: ['FROM a\nLABEL x=$PTH', 'FROM a\nLABEL x=$PATH', 2],
  MultipleInstructionsDisallowed: ['FROM a\nCMD ["a"]\nCMD ["b"]', 'FROM a\nCMD ["a"]\nENTRYPOINT ["b"]', 2],
  LegacyKeyValueFormat: ['FROM a\nENV k v', 'FROM a\nENV k=v', 2],
  RedundantTargetPlatform: ['FROM --platform=$TARGETPLATFORM a', 'ARG BUILDPLATFORM\nFROM --platform=$BUILDPLATFORM a', 1],
  SecretsUsedInArgOrEnv: ['FROM a\nENV AWS_SECRET_KEY=x', 'FROM a\nENV PUBLIC_KEY=x', 2],
  InvalidDefaultArgInFrom: ['ARG TAG\nFROM a:$TAG', 'ARG TAG\nFROM a:${TAG:-1}', 2],
  FromPlatformFlagConstDisallowed: ['FROM --platform=linux/amd64 a AS x', 'FROM --platform=linux/amd64 a AS x-amd64', 1],
  CopyIgnoredFile: ['FROM a\nCOPY ignored /', 'FROM a\nCOPY other /', 2],
  InvalidDefinitionDescription: [
    '# check=experimental=all\n\n# builds it\nFROM a AS x',
    '# check=experimental=all\n\n# x is built\nFROM a AS x',
    4,
  ],
  ExposeProtoCasing: ['FROM a\nEXPOSE 80/TCP', 'FROM a\nEXPOSE 80/tcp', 2],
  NonPortableSyntax: ['# slipway:features=retry\nFROM a\nRUN --retry=1 x', '# slipway:features=retry\nFROM a\nRUN x', 3],
  ExposeInvalidFormat: ['FROM a\nEXPOSE 1.2.3.4:80:80', 'FROM a\nEXPOSE 80', 2],
};

for (const [rule, [wrong, right, line]] of Object.entries(CASES)) {
  test(rule, () => {
    assert.deepEqual(found(wrong), [`${rule} ${line}`]);
    assert.deepEqual(found(right), []);
    assert.deepEqual(found(wrong, { config: 'skip=all' }), []);
    assert.match(ruleUrl(rule as keyof typeof RULES), /\/(?:rule\/[a-z]+(-[a-z]+)*\/|checks\/[a-z-]+\.md)$/);
  });
}

test('experiments are made when they are asked for', () => {
  const text = '# builds it\nFROM a AS x';
  assert.deepEqual(found(text), []);
  assert.deepEqual(found(text, { config: 'experimental=InvalidDefinitionDescription' }), ['InvalidDefinitionDescription 2']);
});

test('a comment above an instruction skips rules for it', () => {
  assert.deepEqual(found('FROM a\n# check=skip=LegacyKeyValueFormat see the manual\nENV a b\nENV c d'), ['LegacyKeyValueFormat 4']);
  assert.deepEqual(found('# check=skip=StageNameCasing,FromAsCasing\n\nFROM a as B'), []);
  assert.deepEqual(found('FROM a AS x\n# check=skip=all\nFROM b as Y'), []);
  assert.deepEqual(found('FROM a\n# check=nonsense\nENV a b'), ['LegacyKeyValueFormat 3']);
});

/** Text and the warnings that BuildKit gives for it. */
const AGREED: readonly (readonly [string, ...string[]])[] = [
  ['FROM a As b', 'FromAsCasing 1'],
  ['From a as b', 'ConsistentInstructionCasing 1'],
  ['arg A\nFROM a'],
  ['FROM a\nEXPOSE $FOO'],
  ['FROM a\nARG A=1 B=$A'],
  ['FROM a\nARG A=$B', 'UndefinedVar 2'],
  ['FROM a\nRUN --mount=type=cache,target=$X x', 'UndefinedVar 2'],
  ['FROM --platform=${TARGETPLATFORM:-x} a', 'RedundantTargetPlatform 1'],
  ['FROM --platform=$TARGETPLATFORM$NOPE a', 'UndefinedArgInFrom 1'],
  ['FROM --platform=amd64 a AS linux'],
  ['FROM --platform=x/y/z/w a'],
  ['FROM a AS one\nONBUILD CMD x\nFROM one\nCMD y', 'JSONArgsRecommended 3', 'JSONArgsRecommended 4', 'MultipleInstructionsDisallowed 3'],
  ['FROM a\nENV DB_PASSWORD_FILE=x TOKEN_VERSION=1'],
  ['# builds A and B\nARG A B\nFROM a'],
];

test('the rules are as narrow and as wide as those of BuildKit', () => {
  for (const [text, ...expected] of AGREED) assert.deepEqual(found(text).sort(), expected, text);
});

test('checks before an error are those of single instructions', () => {
  const { dockerfile, error } = parseBeginning('from a as X\nMAINTAINER me\nRUM x\nMAINTAINER you');
  assert.match(error?.message ?? '', /unknown instruction: RUM/);
  assert.deepEqual(
    checkBeginning(dockerfile).warnings.map((w) => `${w.rule} ${w.source.range.start.line}`),
    ['StageNameCasing 1', 'MaintainerDeprecated 2'],
  );
});

test('what fails a build, and what cannot be read', () => {
  const text = '# check=skip=JSONArgsRecommended;error=true\nFROM a AS B\nCMD x';
  assert.deepEqual(check(text).violated, ['StageNameCasing']);
  assert.deepEqual(check(text, { config: 'skip=all' }).violated, []);
  for (const config of ['error=maybe', 'skip', 'what=1']) assert.throws(() => check('FROM a', { config }), { code: 'dockerfile.check' });
});

test('variables: near misses are named, and a stage has those of its parent', () => {
  assert.equal(check('FROM a\nENV FOO=1\nLABEL x=$FOOO').warnings[0]?.message, "Usage of undefined variable '$FOOO' (did you mean $FOO?)");
  assert.deepEqual(found('FROM a AS one\nENV X=1\nFROM one\nLABEL y=$X'), []);
  assert.deepEqual(found('FROM a AS one\nARG X\nFROM one\nLABEL y=${X}'), []);
});
