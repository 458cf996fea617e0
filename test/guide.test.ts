// The pipeline files that the guide shows cannot be run here. They must parse as YAML, have the shape that each service expects, contain valid shell,
// and use commands and flags that Slipway has.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseArgs } from '../src/cli/args.ts';
import { findCommand } from '../src/cli/commands/index.ts';
import { slugOf } from '../scripts/slug.ts';
import { addressOf, sidebar } from '../site/pages.ts';
import { partsOf } from './support/documents.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const files = new Map(
  partsOf(readFileSync(join(PROJECT, 'docs/guide/ci.md'), 'utf8')).flatMap((p) => (p.kind === 'file' ? [[p.path, p.text] as const] : [])),
);
const yaml = (path: string): unknown => parse(files.get(path) ?? assert.fail(`there is no ${path}`));

/** Checks a script, and returns how many commands of Slipway it has. */
async function checkScript(script: string): Promise<number> {
  // the services substitute these before a shell sees them
  const text = script.replaceAll(/\$\{\{[^}]*\}\}|\$\((?:SLIPWAY_REPOSITORY|image|Build\.\w+)\)/g, 'value');
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, `${stderr}\n${text}`);
  let commands = 0;
  for (const [, line = ''] of text.replaceAll('\\\n', ' ').matchAll(/(?:^|\| *|\n *)(?:\$SLIPWAY|slipway) +([a-z][^\n|]*)/g)) {
    const found = findCommand(
      line
        .trim()
        .split(/\s+/)
        .map((word) => word.replaceAll('"', '')),
    );
    assert.equal(found.kind, 'command', line);
    if (found.kind !== 'command') continue;
    parseArgs(found.entry.path, await found.entry.load(), found.rest);
    commands++;
  }
  return commands;
}

test('GitHub Actions', async () => {
  interface Step {
    readonly uses?: string;
    readonly run?: string;
  }
  const workflow = yaml('.github/workflows/image.yml') as { on: object; jobs: Record<string, { 'runs-on': string; steps: Step[] }> };
  assert.ok('push' in workflow.on);
  const [job] = Object.values(workflow.jobs);
  assert.ok(job?.['runs-on']);
  let commands = 0;
  for (const { uses, run } of job.steps) {
    assert.ok((uses === undefined) !== (run === undefined));
    commands += await checkScript(run ?? '');
  }
  assert.equal(commands, 3);
});

test('GitLab CI', async () => {
  const { image: job } = yaml('.gitlab-ci.yml') as { image: { stage: string; image: string; before_script: string[]; script: string[] } };
  assert.equal(job.stage, 'image');
  assert.ok(job.image);
  for (const line of [...job.before_script, ...job.script]) assert.equal(typeof line, 'string', `quote it: ${JSON.stringify(line)}`);
  assert.equal(await checkScript([...job.before_script, ...job.script].join('\n')), 3);
});

test('Azure Pipelines', async () => {
  interface Step {
    readonly task?: string;
    readonly script?: string;
    readonly inputs?: { readonly inlineScript?: string };
  }
  const { pool, steps } = yaml('azure-pipelines.yml') as { pool: { vmImage: string }; steps: Step[] };
  assert.ok(pool.vmImage);
  let commands = 0;
  for (const { task, script, inputs } of steps) {
    assert.ok(task ?? script);
    commands += await checkScript(script ?? inputs?.inlineScript ?? '');
  }
  assert.equal(commands, 3);
});

const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '');

/** What the headings of a page can be reached by. */
function anchorsOf(page: string): Set<string> {
  const found = new Map<string, number>();
  return new Set(
    [...withoutBlocks(readFileSync(page, 'utf8')).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const slug = slugOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
      const before = found.get(slug) ?? 0;
      found.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

test('links between pages lead somewhere', () => {
  for (const page of globSync(['*.md', 'docs/**/*.md', 'samples/**/*.md'], { cwd: PROJECT })) {
    const text = withoutBlocks(readFileSync(join(PROJECT, page), 'utf8'));
    for (const [, to = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)[^)]*\)/g)) {
      const [path = '', anchor] = to.split('#');
      const target = path === '' ? join(PROJECT, page) : join(PROJECT, dirname(page), path);
      assert.ok(existsSync(target), `${page} links to ${to}`);
      if (anchor !== undefined) assert.ok(anchorsOf(target).has(anchor), `${page} links to ${to}, and there is no such heading`);
    }
  }
});

test('the README of a folder lists its pages', () => {
  for (const folder of ['docs/guide', 'docs/lab', 'docs/decisions', 'docs/reference/dockerfile', 'samples']) {
    const text = readFileSync(join(PROJECT, folder, 'README.md'), 'utf8');
    const pages = globSync(folder === 'samples' ? '*/README.md' : '*.md', { cwd: join(PROJECT, folder) }).filter(
      (name) => name !== 'README.md',
    );
    for (const page of pages)
      assert.match(text, new RegExp(`\\]\\(${page.replace('/README.md', '(?:/README.md)?')}[)#]`), `${folder}: ${page}`);
  }
});

test('the site can be made: every link has an address there, and every subject of docs/README.md a place', () => {
  assert.ok(sidebar().length > 5);
  for (const page of globSync(['*.md', 'deploy/**/*.md', 'docs/**/*.md', 'samples/**/*.md'], { cwd: PROJECT })) {
    const text = withoutBlocks(readFileSync(join(PROJECT, page), 'utf8'));
    for (const [, to = ''] of text.matchAll(/\]\((?!https?:|#)([^)\s]+)[^)]*\)/g)) assert.doesNotThrow(() => addressOf(page, to));
  }
});
