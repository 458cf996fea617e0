// The language reference says all of the language: a page for each instruction, each flag and mount option explained, and used in an example that is run.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { INSTRUCTION_FLAGS, INSTRUCTION_NAMES, MOUNT_KEYS, parseDockerfile } from '../src/dockerfile/index.ts';
import { partsOf } from './support/documents.ts';

const FOLDER = fileURLToPath(new URL('../docs/reference/dockerfile/', import.meta.url));
const read = (page: string): string => readFileSync(`${FOLDER}${page}`, 'utf8');
const pageOf = (instruction: string): string => `${instruction.toLowerCase()}.md`;

/** The instructions of the Dockerfiles on a page, with what ONBUILD keeps left as it is. */
function examples(page: string) {
  const files = partsOf(read(page)).filter((part) => part.kind === 'file' && /(?:^|\/)Dockerfile$/.test(part.path));
  return files.flatMap((part) => {
    const dockerfile = parseDockerfile(part.text, { name: `${page}: Dockerfile` });
    return dockerfile.stages.flatMap((stage) => [stage.from, ...stage.commands]);
  });
}

test('each instruction has a page, and each page is listed', () => {
  const index = read('README.md');
  for (const name of INSTRUCTION_NAMES) assert.match(index, new RegExp(`\\[${name}\\]\\(${pageOf(name)}\\)`));
  for (const page of readdirSync(FOLDER)) if (page !== 'README.md') assert.ok(index.includes(`](${page})`), page);
  for (const name of INSTRUCTION_NAMES) assert.ok(examples(pageOf(name)).length > 0, `${name} has no example`);
});

test('each flag is explained on its page, and used in an example there', () => {
  for (const [instruction, flags] of Object.entries(INSTRUCTION_FLAGS)) {
    const page = read(pageOf(instruction));
    const used = examples(pageOf(instruction)).flatMap((i) => (i.kind === instruction ? i.node.flags.map((flag) => flag.text) : []));
    for (const name of Object.keys(flags)) {
      assert.match(page, new RegExp(`\`--${name}\\b`), `${instruction} --${name} is not explained`);
      // what is allowed by `# slipway:features` has a page of its own
      if (instruction === 'RUN' && /^(?:no-cache|retry|memory|cpus)$/.test(name)) continue;
      assert.ok(
        used.some((text) => new RegExp(`^--${name}(?:=|$)`).test(text)),
        `${instruction} --${name} has no example`,
      );
    }
  }
});

test('each option of a mount is explained and used', () => {
  const table = read('run.md').match(/## Mounts\n[^]*?\n\n[^]*?\n\n/)?.[0] ?? '';
  const used = examples('run.md').flatMap((i) => (i.kind === 'RUN' ? i.mounts.flatMap((mount) => mount.text.split(',')) : []));
  const keys = new Set(used.map((field) => field.replace(/=.*/, '')));
  for (const key of MOUNT_KEYS) {
    assert.match(table, new RegExp(`\`${key}\``), `${key} is not explained`);
    assert.ok(keys.has(key), `${key} has no example`);
  }
});
