import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, partsOf, withOutputs, type Typed } from './documents.ts';

const PAGE = `# A page

   \`\`\`dockerfile title="app/Dockerfile"
   FROM busybox
     # kept
   \`\`\`

\`\`\`console
$ one \\
> two
first line
second line
$ three
\`\`\`

\`\`\`sh
not run
\`\`\`

\`\`\`sh run needs="golang"
go build
\`\`\`
`;

test('files, commands and outputs of a page', () => {
  const parts = partsOf(PAGE, () => false);
  assert.deepEqual(parts[0], { kind: 'file', path: 'app/Dockerfile', text: 'FROM busybox\n  # kept\n' });
  const commands = parts.filter((p): p is Typed => p.kind === 'command');
  assert.deepEqual(
    commands.map((c) => [c.text, c.output, c.line]),
    [
      ['one \\\ntwo', ['first line', 'second line'], 9],
      ['three', undefined, 13],
    ],
  );
  assert.equal(partsOf(PAGE).length, 4);
});

test('what differs from run to run does not count, all else does', () => {
  assert.ok(agrees(['app   latest   0123456789ab   3 seconds ago   2.1MB'], ['app latest ba9876543210 Less than a second ago 20.1MB', '']));
  assert.ok(!agrees(['app latest'], ['app oldest']));
  assert.ok(agrees(['first', '…', 'last …'], ['first', 'more', 'and more', 'last of all']));
  assert.ok(!agrees(['first', '…', 'last'], ['first', 'last', 'after']));
  assert.ok(agrees(['80/tcp -> 0.0.0.0:32768'], ['80/tcp -> 0.0.0.0:49153']));
});

test('outputs can be written anew', () => {
  const commands = partsOf(PAGE).filter((p): p is Typed => p.kind === 'command');
  const seen = new Map(commands.map((c) => [c, ['only line', '']]));
  assert.equal(withOutputs(PAGE, seen), PAGE.replace('first line\nsecond line', 'only line'));
});
