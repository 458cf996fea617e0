// Random Dockerfiles, grown from a grammar and then broken byte by byte, through the lexer, the parser, the expander, the
// checks and the formatter: every rejection is a typed error with a place in the text.
import assert from 'node:assert/strict';
import {
  checkDockerfile,
  declareArgs,
  describeInstruction,
  type Dockerfile,
  expandInstruction,
  expandRunMounts,
  findDirective,
  formatDockerfile,
  globalArgs,
  parseDockerfile,
  parseIgnore,
  IgnoreMatcher,
  plainTree,
  type PlainRange,
  runCommandLine,
} from '../../../src/dockerfile/index.ts';
import { isSlipwayError } from '../../../src/model/index.ts';
import { broken, Grammar } from '../grammar.ts';
import { asText, type Input, type Target } from '../target.ts';

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

function attemptAll(input: Input): void {
  const text = asText(input);
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

export const target: Target = {
  make: (r) => {
    const whole = new Grammar(r).file();
    return r.below(3) === 0 ? whole : broken(whole, r);
  },
  attempt: attemptAll,
};
