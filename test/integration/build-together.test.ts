// Two processes build on one root at once, the same and different things, and one of them is killed at a crash point: what the other
// makes is right, equal steps are run once, and what was killed is built by the next.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryStore, type TestStore } from '../support/store.ts';

/** Where a build is killed in every second round, and at which passing. */
const POINTS = [
  'snapshot.prepared@2',
  'snapshot.before-commit@2',
  'cache.recorded@2',
  'layer.registered@1',
  'image.before-commit@1',
] as const;

/** `shared` steps are the same in both of a round; the rest is of one only. */
const dockerfile = (round: number, who: string): string => `FROM busybox AS shared
RUN echo ${round} > /shared; for i in $(seq 200); do cat /shared; done > /dev/null
FROM busybox AS own
RUN echo ${who}${round} > /own
FROM busybox
COPY --from=shared /shared /
COPY --from=own /own /
RUN cat /shared /own > /both
`;

async function started(
  store: TestStore,
  dir: string,
  image: string,
  crashAt: string,
): Promise<{ ended: Promise<{ exitCode: number | null; text: string }> }> {
  const child = store.start(['build', '--progress', 'plain', '--network', 'none', '-t', image, dir], {
    env: { SLIPWAY_CRASH_AT: crashAt },
  });
  let text = '';
  child.stdout?.on('data', (d: Buffer) => (text += d.toString()));
  child.stderr?.on('data', (d: Buffer) => (text += d.toString()));
  const ended = new Promise<{ exitCode: number | null; text: string }>((resolve) =>
    child.on('close', (exitCode) => resolve({ exitCode, text })),
  );
  return { ended };
}

test('rounds of two builds at once, one of them killed in every second round', async (t) => {
  const store = temporaryStore(t);
  await store.ok(['bootstrap', 'busybox']);
  for (let round = 0; round < 2 * POINTS.length; round++) {
    const dirs = ['a', 'b'].map((who) => {
      // the same Dockerfile in every third round
      const text = dockerfile(round, round % 3 === 0 ? 'both' : who);
      const dir = join(store.folder, who);
      if (!existsSync(dir)) mkdirSync(dir);
      writeFileSync(join(dir, 'Dockerfile'), text);
      return { who, dir, expected: `${round}\n${round % 3 === 0 ? 'both' : who}${round}\n` };
    });
    const victimAt = round % 2 === 0 ? -1 : (round >> 1) % 2;
    const point = POINTS[round >> 1] ?? '';
    const builds = await Promise.all(
      dirs.map(async (d, i) => ({ ...d, ...(await started(store, d.dir, d.who, i === victimAt ? point : '')) })),
    );
    const victim = builds[victimAt];
    const results = await Promise.all(builds.map((b) => b.ended));
    const ran = results.filter(({ text }) => text.includes(`#${/^#(\d+) \[shared 2\/2\]/m.exec(text)?.[1]} DONE`)).length;
    if (!victim) assert.ok(ran <= 1, `round ${round}: an equal step ran ${ran} times\n${results.map((r) => r.text).join('\n')}`);
    for (const [i, b] of builds.entries()) {
      const result = results[i];
      if (b !== victim) assert.equal(result?.exitCode, 0, `round ${round}: ${result?.text}`);
      else if (result?.exitCode !== 0) await store.ok(['build', '-q', '--network', 'none', '-t', b.who, b.dir]);
      await store.ok(['build', '-q', '-o', join(store.folder, `out-${b.who}`), b.dir]);
      assert.equal(readFileSync(join(store.folder, `out-${b.who}`, 'both'), 'utf8'), b.expected, `round ${round}, ${b.who}`);
    }
  }
  assert.match(await store.ok(['images']), /busybox/);
  assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(store.folder), 'no mount is left');
});
