// Random Dockerfiles, grown from a grammar and then broken byte by byte, through the lexer, the parser, the expander, the
// checks and the formatter: no crash, no hang, and every rejection is a typed error with a place in the text.
//
//   SLIPWAY_FUZZ_SEED=123 SLIPWAY_FUZZ_MS=60000 node --test test/fuzz/dockerfile.test.ts
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSlipwayError } from '../../src/model/index.ts';
import {
  checkDockerfile,
  declareArgs,
  describeInstruction,
  type Dockerfile,
  expandInstruction,
  expandRunMounts,
  expandWord,
  expandWords,
  findDirective,
  formatDockerfile,
  globalArgs,
  parseDockerfile,
  parseIgnore,
  IgnoreMatcher,
  plainTree,
  type PlainRange,
  runCommandLine,
} from '../../src/dockerfile/index.ts';
import { broken, Grammar, Random } from './grammar.ts';

const SEED = Number(process.env['SLIPWAY_FUZZ_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const DURATION = Number(process.env['SLIPWAY_FUZZ_MS'] ?? 2_000);
/** Rejections of a whole file, which have no place in it. */
const PLACELESS = new Set(['dockerfile.empty', 'dockerfile.no-instructions', 'dockerfile.no-stage']);

/** A rejection must be typed and must have a place; anything else is a fault of ours and goes on up. */
function rejection(error: unknown, text: string): void {
  if (!isSlipwayError(error)) throw error;
  assert.equal(error.kind, 'invalid-argument', error.message);
  assert.match(error.code, /^dockerfile\./);
  assert.notEqual(error.message, '');
  if (error.source === undefined) return assert.ok(PLACELESS.has(error.code), `${error.code} without a place: ${error.message}`);
  const { start, end } = error.source.range;
  place([start.line, start.column, end.line, end.column], text, error.code);
}

function place([line, column, endLine, endColumn]: PlainRange, text: string, what: string): void {
  const lines = text.split('\n').length;
  assert.ok(
    line >= 1 && column >= 0 && endLine >= line && endLine <= lines,
    `${what}: ${line}:${column}-${endLine}:${endColumn} of ${lines} lines`,
  );
  assert.ok(endLine > line || endColumn >= column, `${what}: ends before it begins`);
}

function attempt<T>(text: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    rejection(error, text);
    return undefined;
  }
}

function checkRanges(value: unknown, text: string): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'range') place(inner as PlainRange, text, JSON.stringify(value).slice(0, 200));
    else checkRanges(inner, text);
  }
}

function expandEverything(dockerfile: Dockerfile, text: string): void {
  const globals = attempt(text, () => globalArgs(dockerfile, { buildArgs: { A: 'given' } })) ?? new Map<string, string>();
  for (const dialect of ['buildkit', 'classic'] as const) {
    const options = { escape: dockerfile.escape, dialect };
    for (const stage of dockerfile.stages) {
      const env = new Map([...globals, ['PATH', '/usr/bin:/bin'], ['B', 'b*b/c']]);
      for (const instruction of [stage.from, ...stage.commands]) {
        describeInstruction(instruction, env, { escape: dockerfile.escape });
        attempt(text, () => expandInstruction(instruction, env, options));
        if (instruction.kind === 'ARG') attempt(text, () => declareArgs(instruction, env, { buildArgs: { A: 'x' }, globals }, options));
        if (instruction.kind !== 'RUN') continue;
        attempt(text, () => expandRunMounts(instruction, env, options));
        runCommandLine(instruction, { shell: ['/bin/sh', '-c'] });
      }
    }
  }
}

function tryAll(input: string | Uint8Array): void {
  const text = typeof input === 'string' ? input : Buffer.from(input).toString();
  attempt(text, () => parseDockerfile(input, { dialect: 'classic' }));
  const dockerfile = attempt(text, () => parseDockerfile(input));
  findDirective(text, 'syntax');
  for (const rule of ['check', 'escape'] as const) findDirective(text, rule);
  attempt(text, () => new IgnoreMatcher(parseIgnore(text)).matches('a/b.txt'));
  if (dockerfile === undefined) return;
  checkRanges(plainTree(dockerfile), text);
  expandEverything(dockerfile, text);
  attempt(text, () =>
    checkDockerfile(dockerfile, {
      platformArgs: new Map([['TARGETARCH', 'amd64']]),
      isImageName: (name) => /^[a-z./:]+$/.test(name),
      globals: new Map(),
      buildArgs: { A: 'given' },
      stages: new Map(dockerfile.stages.map(({ index }) => [index, { env: new Map([['PATH', '/bin']]), shell: index % 2 === 0 }])),
      isIgnored: (path) => path.includes('b'),
    }),
  );
  const formatted = attempt(text, () => formatDockerfile(input));
  if (formatted !== undefined) assert.equal(formatDockerfile(formatted), formatted, 'formatting twice changes more');
}

test('random and broken Dockerfiles are parsed, or rejected with a place', { timeout: DURATION + 60_000 }, () => {
  const seeds = new Random(SEED);
  const end = performance.now() + DURATION;
  let tried = 0;
  while (performance.now() < end) {
    const seed = seeds.below(2 ** 31);
    const r = new Random(seed);
    const whole = new Grammar(r).file();
    const input = r.below(3) === 0 ? whole : broken(whole, r);
    try {
      tryAll(input);
    } catch (error) {
      const shown = JSON.stringify(typeof input === 'string' ? input : Buffer.from(input).toString('latin1'));
      throw new Error(`with SLIPWAY_FUZZ_SEED=${SEED}, after ${tried} inputs, this one (seed ${seed}):\n${shown}`, { cause: error });
    }
    tried++;
  }
  assert.ok(tried > 0);
});

test('random words are expanded, or rejected', { timeout: DURATION + 60_000 }, () => {
  const r = new Random(SEED + 1);
  const grammar = new Grammar(r);
  const env = new Map([
    ['A', 'a/b/a'],
    ['B', ''],
    ['PATH', '/bin'],
  ]);
  const end = performance.now() + DURATION / 2;
  while (performance.now() < end) {
    const word = String(broken(Array.from({ length: 1 + r.below(5) }, () => grammar.atom()).join(''), r));
    for (const options of [{}, { escape: '`' as const }, { keepQuotes: true }, { ignoreQuotes: true, keepUnset: true }]) {
      for (const expand of [expandWord, expandWords]) {
        try {
          expand(word, env, options);
        } catch (error) {
          if (!isSlipwayError(error) || error.kind !== 'invalid-argument')
            throw new Error(`with SLIPWAY_FUZZ_SEED=${SEED}: ${JSON.stringify(word)}`, { cause: error });
        }
      }
    }
  }
});
