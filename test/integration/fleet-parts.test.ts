// One build on several builders: stages that only read files of each other are built in different places, and the image is the one of one place.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { type Fleet, fleet, wayTo } from '../support/fleet.ts';

let f: Fleet;
before(async () => {
  f = await fleet(3);
  f.write({
    'app/a': 'file a\n',
    'app/Dockerfile': `FROM base AS one
WORKDIR /out
COPY a .
RUN echo one > first; echo more > d.txt; sh -c 'echo x > x.txt'
FROM base AS two
RUN echo two > /two
FROM one AS onetwo
RUN echo above > /out/above
FROM base AS three
RUN --mount=type=bind,from=onetwo,source=/out,target=/in read x < /in/above; echo "three $x" > /three
FROM base AS four
COPY --from=two --chown=5:6 /two /w/
RUN read x < /w/two; echo "four $x" > /w/four
FROM base AS five
RUN echo 5 > /five
FROM base
COPY --from=onetwo /out/*.txt /w/txt/
COPY --from=onetwo /out /w/out
COPY --from=two --chmod=600 /two /w/
COPY --from=three /three /w/
COPY --from=four /w/four /w/two /w/of4/
COPY --from=five /five /w/
RUN for p in /w/three /w/of4/four; do read x < $p; echo "$x"; done > /w/all
`,
  });
});
after(() => f.close());

const build = (...args: string[]) => f.here.run(['build', '--progress', 'plain', ...args, 'app']);
const tree = async (image: string): Promise<string> => {
  await f.here.ok('save', '-o', 'x.tar', image);
  const script = `mkdir -p x && cd x && rm -rf ./* && tar -xf ../x.tar && for l in $(sed 's/.*"Layers":\\[//;s/\\].*//;s/[",]/ /g' manifest.json); do tar -tvf $l | awk '{print $1,$2,$3,$6}'; tar -xOf $l w/all w/of4/two w/out/above 2>/dev/null; done | sort`;
  return execFileSync('sh', ['-c', script], { cwd: f.cwd, encoding: 'utf8' });
};
const places = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^stage (\S+) .* on (\S+)$/gm)].map(([, stage = '', at = '']) => [stage, at]));

test('stages go to the builders that the plan shows, and the image is that of one builder', async () => {
  await f.here.ok('build', '-t', 'local', 'app');
  const all = f.addresses.join(',');
  const { stdout: plan } = await f.here.run(['build', '--plan=text', '--builder', all, 'app']);
  const planned = places(plan);
  assert.equal(planned.size, 7, plan);
  // a stage that stands on another one is built where that is
  assert.equal(planned.get('onetwo'), planned.get('one'));
  assert.ok(new Set(planned.values()).size > 1, plan);
  assert.deepEqual(
    places((await f.here.run(['build', '--plan=text', '--builder', f.addresses.toReversed().join(','), 'app'])).stdout),
    planned,
  );
  const { stderr, status } = await build('--builder', all, '-t', 'parts');
  assert.equal(status, 0, stderr);
  assert.equal(await tree('parts'), await tree('local'));
  // each step ran in one place: where the plan says
  for (const [i, server] of f.servers.entries()) {
    const steps = (await server.request('GET /v1.51/system/df?type=build-cache')).json.BuildCache.map((c: any) => c.Description as string);
    for (const [stage, name] of [
      ['two', 'RUN echo two > /two'],
      ['five', 'RUN echo 5 > /five'],
      ['one', 'RUN echo one > first'],
    ] as const)
      assert.equal(
        steps.some((s: string) => s.includes(name)),
        planned.get(stage) === f.addresses[i],
        `${stage} ${i}\n${steps.join('\n')}`,
      );
  }
  const again = await build('--builder', all, '-t', 'parts');
  assert.doesNotMatch(again.stderr, /^#\d+ \[.*\] (?:RUN|COPY|WORKDIR) .*\n#\d+ DONE/m, again.stderr);
});

test('a part fails the build with its output, and stops the others', async () => {
  f.write({
    'app/Fail':
      'FROM base AS one\nRUN echo because; exit 3\nFROM base AS two\nRUN sleep 60\nFROM base\nCOPY --from=one /x /\nCOPY --from=two /y /\n',
  });
  const { stderr, status } = await build('--builder', f.addresses.join(','), '-f', 'app/Fail');
  assert.equal(status, 1);
  assert.match(stderr, /because/);
  assert.match(stderr, /exit code: 3/);
});

test('the parts of a builder that dies go to others', async () => {
  using undo = new DisposableStack();
  const ways = await Promise.all(f.servers.map((server, i) => wayTo(server.path, (data) => i === 0 && data.includes('has begun'))));
  for (const way of ways) undo.defer(way.cut);
  const stages = Array.from({ length: 12 }, (_, i) => `FROM base AS s${i}\nRUN echo has be''gun ${i} > /o; read x < /o; echo "$x"\n`);
  const copies = Array.from({ length: 12 }, (_, i) => `COPY --from=s${i} /o /w/${i}\n`);
  f.write({ 'app/Many': `${stages.join('')}FROM base\n${copies.join('')}` });
  const { stderr, status } = await build('--no-cache', '--builder', ways.map((w) => w.address).join(','), '-t', 'many', '-f', 'app/Many');
  assert.equal(status, 0, stderr);
  assert.ok(stderr.includes(`the builder ${ways[0]?.address} was lost`), stderr);
  assert.equal((await tree('many')).match(/ w\/\d+$/gm)?.length, 12);
});
