// A learner goes through the lab: typical wrong answers each get a hint of their own, and the page's solution passes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../support/registry.ts';
import { openShop } from '../support/shop.ts';

const shop = openShop('lab');
const bin = dirname(fileURLToPath(new URL('../../bin/slipway', import.meta.url)));
const env = {
  ...shop.env,
  PATH: `${bin}:${process.env['PATH']}`,
  HOME: shop.folder,
  XDG_STATE_HOME: join(shop.folder, 'state'),
  BUILDKIT_PROGRESS: 'plain',
};
const folder = (chapter: number): string => join(shop.folder, 'work', String(chapter));

before(() => shop.ok('bootstrap', 'busybox'));
after(() => shop.close());

/** Where the registry of the pages is. */
let at = 'localhost:5000';

/** What a learner types; the output of all of it. */
function type(commands: string, cwd: string): string {
  const { stdout, stderr } = spawnSync('sh', ['-c', commands.replaceAll('localhost:5000', at)], { cwd, env, encoding: 'utf8' });
  return stdout + stderr;
}

function lab(words: string, cwd = shop.folder): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync('slipway', ['lab', ...words.split(' ')], { cwd, env, encoding: 'utf8' });
  return { status, text: (stdout + stderr).replaceAll(/\s+/g, ' ') };
}

/** Something a learner does that is not right yet, and what the check must say of it. */
type Wrong = readonly [does: string, said: RegExp];

function play(chapter: number, wrong: readonly Wrong[], solved = true): void {
  const cwd = folder(chapter);
  mkdirSync(cwd, { recursive: true });
  assert.equal(lab(`start ${chapter} ${cwd}`).status, 0);
  const hints = new Set<string>();
  for (const [does, said] of wrong) {
    const typed = type(does, cwd);
    const { status, text } = lab('check');
    assert.match(text, said, `after: ${does}\n${typed}`);
    assert.equal(status, 1);
    hints.add(said.exec(text)?.[0] ?? '');
  }
  assert.ok(hints.size >= 5, 'five typical mistakes, each with a hint of its own');
  if (!solved) return;
  assert.equal(lab('reset').status, 0);
  const solution = spawnSync('slipway', ['lab', 'solution'], { env, encoding: 'utf8' }).stdout;
  const typed = type(`set -e\n${solution}`, cwd);
  const { status, text } = lab('check');
  assert.equal(status, 0, `${text}\n${typed}`);
}

test('chapters are listed, begun, hinted at and remembered', () => {
  assert.match(lab('check').text, /no chapter is begun.*slipway lab start 1/);
  assert.match(lab('start 11').text, /the lab has no chapter 11/);
  const started = lab('start 1', shop.folder);
  assert.match(started.text, /1\. Read a Dockerfile with several stages/);
  const file = join(shop.folder, 'slipway-lab/01-reading/answers.txt');
  assert.match(readFileSync(file, 'utf8'), /^stages =$/m);
  assert.match(lab('hint').text, /Hint 1 of 3/);
  assert.match(lab('hint').text, /Hint 2 of 3/);
  type(`echo mine > ${file}`, shop.folder);
  assert.match(lab('start 1', shop.folder).text, /was there, and stays as it is/);
  assert.equal(readFileSync(file, 'utf8'), 'mine\n');
  assert.match(lab('list').text, /1 Read a Dockerfile with several stages 5 min begun \(current\)/);
});

const answers = (pairs: string): string =>
  pairs
    .split(' ')
    .map((p) => `sed -i 's/^${p.split('=')[0]} =.*/${p.replace('=', ' = ')}/' answers.txt`)
    .join(';');

test('1: reading', () =>
  play(1, [
    ['true', /no answer for stages/],
    [answers('stages=4'), /more than four stages.*the last FROM has no name/],
    [answers('stages=5 last-base=build'), /copies from build; it does not start from it/],
    [answers('last-base=scratch copied-from=test'), /Nothing is copied from test/],
    [answers('copied-from=build not-needed=base'), /base is needed/],
    [answers('not-needed=test'), /One more stage is not needed/],
  ]));

test('2: the original engine', () =>
  play(2, [
    ['true', /Nothing has been built.*DOCKER_BUILDKIT=0/],
    ['slipway build -t lab-original .', /built by the graph engine/],
    [
      'DOCKER_BUILDKIT=0 slipway build -t original .; slipway rmi lab-original; slipway builder history rm ^1',
      /gave its image the name original/,
    ],
    ['DOCKER_BUILDKIT=0 slipway build --target build -t lab-original .', /with --target build/],
    ['DOCKER_BUILDKIT=0 slipway build -t lab-original .', /no \/app\/version\.txt/],
    ["sed -i 's/^FROM base$/FROM build/' Dockerfile; DOCKER_BUILDKIT=0 slipway build -t lab-original .", /holds \/app\/source\.txt/],
  ]));

test('3: the graph engine', () =>
  play(3, [
    ['DOCKER_BUILDKIT=0 slipway build -t lab-original .', /the chapter asks for lab-graph/],
    ['DOCKER_BUILDKIT=0 slipway build -t lab-graph .', /lab-graph was built by the original engine/],
    ['slipway build --target test -t lab-graph .', /with --target test/],
    ['slipway build -t lab-graph .', /no stage docs/],
    ["printf 'FROM base AS docs\\nRUN echo manual\\n' >> Dockerfile", /docs is what the build makes/],
  ]));

test('4: targets', () =>
  play(4, [
    ['slipway build -t lab-test .', /built without --target/],
    ['slipway build --target tset -t lab-test .', /did not succeed|built without --target/],
    ['slipway build --target test -t lab-test .', /the chapter asks for lab-dev|lab-dev/],
    [
      'sed -i \'s|^FROM base AS production|FROM build AS development\\nCMD ["/app/program.sh"]\\n\\n&|\' Dockerfile; slipway build --target development -t lab-dev .',
      /needs ENV MODE=development/,
    ],
    [
      "sed -i 's|^FROM build AS development|&\\nENV MODE=development|' Dockerfile; slipway build --target development -t lab-dev .; slipway build --target development -t lab-prod .",
      /lab-prod was built with --target development/,
    ],
  ]));

test(
  '5: a Go application',
  { skip: process.env['SLIPWAY_LAB_GO'] ? false : 'needs the Go SDK, which takes a minute to make: SLIPWAY_LAB_GO=1' },
  () =>
    play(5, [
      ['true', /Nothing has been built/],
      ['slipway bootstrap golang:1.19-bookworm; slipway build -t lab-whoami .', /holds the whole SDK/],
      [
        "sed -i 's/^FROM.*/& AS build/' Dockerfile; printf 'FROM scratch\\nCOPY --from=build /whoami /whoami\\n' >> Dockerfile; slipway build -t lab-whoami .",
        /no ENTRYPOINT/,
      ],
      ['echo \'ENTRYPOINT ["/whoami"]\' >> Dockerfile; slipway build -t lab-whoami .', /does not start.*CGO_ENABLED=0/],
      ["sed -i 's/^RUN go/RUN CGO_ENABLED=0 go/' Dockerfile; slipway build -t lab-whoami .", /does not EXPOSE/],
    ]),
);

test('6: ports, arguments, users', () => {
  play(6, [
    ['slipway build -t lab-web .', /No container of lab-web was started/],
    ['slipway run -d --name lab-web-1 lab-web', /publishes no port/],
    ['slipway rm -f lab-web-1; slipway run -d --name lab-web-1 -P lab-web', /arguments of the program stand behind the image/],
    ['slipway run -d --name lab-web-2 -P lab-web --port 5000', /listens on port 5000, and publishes 80\/tcp/],
    ['slipway rm -f lab-web-2; slipway run -d --name lab-web-2 -p :5000 lab-web --port 5000', /All containers of lab-web run as root/],
    ['slipway run -d --name lab-web-3 -P -u 0 lab-web', /The user 0 is root/],
  ]);
  type('slipway rm -f $(slipway ps -aq)', shop.folder);
});

test('7: the cache', () =>
  play(7, [
    ['true', /Nothing has been built/],
    ['slipway build -t lab-cache .; echo more >> code/main.txt', /changed since the last build/],
    ['slipway build -t lab-cache .', /would install the dependencies again/],
    [
      "sed -i 's/^COPY . .$/COPY code .\\/code/; s/ && cp packages.txt/ \\&\\& echo none >/' Dockerfile; slipway build -t lab-cache .",
      /would install the dependencies again/,
    ],
    [
      'cat > Dockerfile <<\'END\'\nFROM busybox AS build\nWORKDIR /src\nCOPY packages.txt ./\nRUN echo "installing dependencies" && cp packages.txt /installed.txt\nCOPY code ./code\nRUN cat /installed.txt code/*.txt > /app.txt\nFROM busybox\nCOPY --from=build /app.txt /app.txt\nEND\nslipway build -t lab-cache .',
      /has no cache mount/,
    ],
    [
      "sed -i 's/^RUN echo/RUN --mount=type=cache,target=\\/var\\/cache echo/' Dockerfile; slipway build -t lab-cache .",
      /at another folder/,
    ],
  ]));

test('8: a registry', async () => {
  const registry = await startRegistry({ folder: join(shop.folder, 'registry') });
  at = registry.host;
  try {
    play(8, [
      ['slipway build -t lab-ship:1 .', /No image is named for a registry/],
      ['slipway tag lab-ship:1 localhost:5000/lab-ship:1', /The registry has no lab-ship:1/],
      ['slipway push localhost:5000/lab-ship:1', /no lab-ship:2/],
      ['slipway tag lab-ship:1 localhost:5000/lab-ship:2; slipway push localhost:5000/lab-ship:2', /lab-ship:2 says "hello, version 1"/],
      [
        "sed -i 's/version 1/version 2/' greeting.txt; for t in 1 2; do slipway build -t localhost:5000/lab-ship:$t .; slipway push localhost:5000/lab-ship:$t; done",
        /same layers: version 1 was pushed over/,
      ],
    ]);
  } finally {
    await registry.stop();
  }
});

test('9: tests that gate', () =>
  play(9, [
    ['slipway build -t lab-gated .', /does not need the test stage/],
    [
      "sed -i -e 's|^COPY --from=build|COPY --from=test|' -e 's/ = 5$/ = 5 || true/' Dockerfile; slipway build -t lab-gated .",
      /subtracts builds all the same/,
    ],
    ["sed -i 's/ || true$//' Dockerfile; slipway builder history rm --all", /Nothing has been built/],
    ['slipway build -t lab-gated .', /no folder out/],
    [
      "sed -i '0,/^FROM busybox$/s||FROM test AS results\\n\\nFROM busybox|' Dockerfile; slipway build --target results --output out .",
      /the whole file system of a stage/,
    ],
    ['rm -rf out; mkdir out; echo 4 > out/report.txt', /not the one of the tests/],
  ]));

test('10: clean-up', () =>
  play(10, [
    ['true', /leftovers\.sh has not run/],
    ['sh leftovers.sh', /lab-running runs/],
    ['slipway stop -t 0 lab-running', /has ended and is still there/],
    ['slipway rm lab-running lab-done', /Still here: lab-/],
    ["slipway rmi -f $(slipway image ls -q -f reference='lab-*' -f reference='*/lab-*')", /Images without a name/],
    ['slipway image prune -f', /volume lab-data is still there/],
  ]));
