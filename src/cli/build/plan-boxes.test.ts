import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../engine/index.ts';
import { boxes } from './plan-boxes.ts';

const step = (id: string, stage: string | undefined, fate: 'source' | 'cached' | 'run' | 'maybe', inputs: string[], more: object = {}) => ({
  id,
  name: `[${stage ?? 'internal'} 1/2] ${id}`,
  ...(stage !== undefined && { stage }),
  fate,
  inputs,
  ...more,
});

const PLAN: Plan = {
  target: 'app',
  stages: [
    { name: 'build', base: 'golang', needed: true },
    { name: 'lint', base: 'build', needed: false, reason: 'nothing that app needs comes from it' },
    { name: 'docs', base: 'alpine', needed: true },
    { name: 'app', base: 'scratch', needed: true },
  ],
  steps: [
    step('load build context', undefined, 'source', []),
    step('COPY . .', 'build', 'run', ['load build context'], { reason: 'main.go changed (content)' }),
    step('RUN go build', 'build', 'run', ['COPY . .']),
    step('RUN make docs', 'docs', 'cached', []),
    step('COPY --from=build /app /', 'app', 'run', ['RUN go build']),
    step('COPY --from=docs /d /', 'app', 'maybe', ['RUN make docs']),
  ],
  counts: { cached: 1, run: 3, maybe: 1 },
};

test('a box for each stage, and lines that lead down to what reads it', () => {
  const text = boxes(PLAN, { columns: 60, color: false });
  const lines = text.trimEnd().split('\n');
  const at = (part: string): string => lines.find((line) => line.includes(part)) ?? assert.fail(`${part}\n${text}`);
  assert.match(at('COPY . .'), /^.*▶│ RUN {4}#2 {3}COPY \. \. +│$/);
  assert.match(at('main.go changed'), /│ {13}main\.go changed \(content\) +│$/);
  assert.match(at('--from=build'), /╰─+.*▶│ RUN/);
  assert.match(at('--from=docs'), /╰─+▶│ RUN\? /);
  assert.match(at('lint: skipped'), /╌╌ lint: skipped, nothing that app needs/);
  assert.equal(lines.at(-1), 'target app: 1 cached, 3 to run, 1 to run unless what they read turns out unchanged (RUN?)');
  for (const line of lines.slice(0, -2)) assert.ok(line.length <= 60, line);
});

test('colours for those who want them; text from outside moves no cursor', () => {
  const text = boxes({ ...PLAN, steps: [step('RUN \u001b[2J', 'build', 'cached', [])] }, { columns: 60, color: true });
  assert.match(text, /\u001b\[2m│ CACHED #1 {3}RUN \\x1b\[2J/);
});
