// What images, Dockerfiles and the output of builds can do to the terminal of who looks at them: nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';
import { SLIPWAY, TestStore, scratch } from '../support/store.ts';
import { onTerminal } from '../support/terminal.ts';

const store = new TestStore(scratch());
after(() => removeTree(store.folder));

/** Clears the screen, sets the title, writes to the clipboard, and a C1 control; `shown` is what has to stay readable. */
const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u001b]52;c;b3duZWQ=\u0007\u009b2Jshown\u202e';

/** Runs slipway on a terminal; what it wrote, without what screens of ours consist of: colours, cursor off and on, up, and erasing lines. */
function onScreen(command: string, env: NodeJS.ProcessEnv = {}): string {
  const ended = spawnSync(...onTerminal(`${SLIPWAY} ${command}`), { env: { ...store.env, ...env }, encoding: 'utf8', cwd: store.folder });
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return ended.stdout.replaceAll(/\u001b\[(?:[0-9;]*m|\?25[lh]|\d+A|[KJ])/g, '').replaceAll('\r', '');
}

function checkHarmless(what: string, text: string): void {
  // oxlint-disable-next-line no-control-regex -- the same
  const found = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.exec(text);
  assert.equal(found, null, `${what}: ${JSON.stringify(text.slice(Math.max(0, (found?.index ?? 0) - 40), (found?.index ?? 0) + 40))}`);
}

test('builds, lists, histories, records and errors are printable on a terminal', async () => {
  const context = join(store.folder, 'context');
  mkdirSync(context);
  copyFileSync(findExecutable('busybox')!, join(context, 'busybox'));
  writeFileSync(join(context, 'hostile'), `${HOSTILE}\n`);
  const dockerfile = (end: string): string => `FROM scratch
COPY busybox /bin/sh
COPY busybox hostile /bin/
LABEL text="${HOSTILE}"
# ${HOSTILE}
RUN busybox cat /bin/hostile; busybox printf '\\033[32mgreen\\n' ${end}
`;
  const file = join(context, 'Dockerfile');
  writeFileSync(file, dockerfile(`# ${HOSTILE}`));
  for (const [what, command, env] of [
    ['plain', 'build --network none --no-cache --progress plain -t image context', {}],
    ['tty', 'build --network none --no-cache -t image context', {}],
    ['original', 'build --network none --no-cache -t image context', { DOCKER_BUILDKIT: '0' }],
    ['history', 'history --no-trunc image', {}],
    ['inspect', 'image inspect image', {}],
    ['inspect of a field', "image inspect -f '{{.Config.Labels}}' image", {}],
  ] as const) {
    const text = onScreen(command, env);
    checkHarmless(what, text);
    if (what !== 'tty') assert.match(text, /shown/, what);
  }
  assert.match((await store.slipway(['history', '--no-trunc', 'image'])).stdout, /\\x1b\[2J/);

  writeFileSync(file, dockerfile('; exit 3'));
  for (const flags of ['--progress plain', '--progress tty']) {
    const text = onScreen(`build --network none ${flags} context`);
    checkHarmless(`a failure with ${flags}`, text);
    assert.match(text, /green/);
  }
  writeFileSync(file, `FROM scratch\n${HOSTILE}\n`);
  checkHarmless('a mistake in the Dockerfile', onScreen('build context'));
  const piped = await store.slipway(['build', '--progress', 'plain', context]);
  checkHarmless('an error in a pipe', piped.stderr);
  checkHarmless('an unknown command', onScreen(`'${HOSTILE}'`));
});

test('into a pipe the output of a build is as it was written', async () => {
  const context = join(store.folder, 'context');
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY busybox /bin/sh\nRUN printf "\\033[2Jraw\\n"\n');
  const built = await store.slipway(['build', '--network', 'none', '--no-cache', '--progress', 'plain', context]);
  assert.match(built.stderr, new RegExp('^#\\d+ [\\d.]+ \\u001b\\[2Jraw$', 'm'));
});
