// What both engines say of a wrong Dockerfile, and where they point, as Docker 28.5 does.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { buildClassic, buildGraph } from '../../src/builder/index.ts';
import { isSlipwayError, type SlipwayError } from '../../src/model/index.ts';
import { buildFixture } from './build-fixture.ts';

const f = buildFixture();
after(() => f.dispose());
f.put('f', 'f');

async function failure(build: typeof buildGraph, dockerfile: string): Promise<SlipwayError> {
  try {
    await build(f.env, await f.request(dockerfile));
  } catch (e) {
    if (isSlipwayError(e)) return e;
    throw e;
  }
  return assert.fail(`built: ${dockerfile}`);
}

const FROM = 'FROM base\n';
const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SYSTEM = JSON.stringify(String.raw`^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$`);

/** A Dockerfile, the message, and the first and last line that it points at. */
const GRAPH: readonly (readonly [string, string, number, number?])[] = [
  [`${FROM}RUN --mount=type=cache,target=/x,sharing=locke true`, 'unsupported sharing value "locke" (did you mean locked?)', 2],
  [`${FROM}RUN --mount=type=tmpfs,target=/x,source=/y true`, 'open /y: no such file or directory', 2],
  [`${FROM}RUN --network=host true`, 'failed to load LLB: network.host is not allowed', 2],
  [`${FROM}RUN --device=a.b/c=d true`, 'device feature is only supported in Dockerfile frontend 1.14.0-labs or later', 2],
  [`${FROM}RUN --device=name=a,name=b true`, 'dockerfile parse error on line 2: device name already set to a', 2],
  [`${FROM}RUN --device= true`, 'dockerfile parse error on line 2: failed to parse csv devices: EOF', 2],
  [`${FROM}RUN --device=a,nam=b true`, "dockerfile parse error on line 2: unexpected key 'nam' in 'nam=b' (did you mean name?)", 2],
  [`${FROM}RUN <<EOF cat\nx\n\n`, 'unterminated heredoc', 2, 4],
  [`${FROM}COPY f <<EOF\nx\nEOF\n`, 'dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination', 2, 4],
  [`${FROM}RUN --foo \\\n  x \\\n  y\n`, 'dockerfile parse error on line 2: unknown flag: --foo', 2, 4],
  [`${FROM}COPY --chmod=u~x f /`, 'invalid syntax', 2],
  [`${FROM}COPY <<d/e /x/\nd/e\n`, 'open /d/e: no such file or directory', 2, 3],
  [`${FROM}ADD --checksum=sha256:abc http://127.0.0.1:1/f /`, 'invalid checksum digest length', 2],
  [`${FROM}ADD --checksum=md5:abc http://127.0.0.1:1/f /`, 'unsupported digest algorithm', 2],
  [`${FROM}ADD --checksum=foo http://127.0.0.1:1/f /`, 'invalid checksum digest format', 2],
  [`${FROM}ADD --checksum=sha256:${HEX} <<EOF /x\nEOF\n`, "checksum can't be specified for multiple sources", 2, 3],
  [`${FROM}ADD git@127.0.0.1:a/b.git?foo=bar /`, 'invalid Git address git@127.0.0.1:a/b.git?foo=bar: unexpected query "foo"', 2],
  [`${FROM}EXPOSE /tcp`, 'invalid port: "/tcp": no port specified', 2],
  [`${FROM}EXPOSE 8080:80/FOO`, 'invalid port: "8080:80/FOO": invalid proto: FOO', 2],
  ['FROM --platform=foo base', 'failed to parse platform foo: "foo": unknown operating system or architecture: invalid argument', 1],
  [
    'FROM --platform=%% base',
    `failed to parse platform %%: "%%" is an invalid OS component of "%%": OSAndVersion specifier component must match ${SYSTEM}: invalid argument`,
    1,
  ],
  [
    'ARG ARCH=x\nFROM --platform=linux/$ARHC base',
    'failed to parse platform linux/$ARHC: "" is an invalid component of "linux/": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument (did you mean ARCH?)',
    2,
  ],
  ['FROM --platform=$BUILDPLATFROM base', 'empty platform value from expression $BUILDPLATFROM (did you mean BUILDPLATFORM?)', 1],
  // stages that are not needed are looked at too
  ['FROM base AS a\nCOPY --from=b / /\nFROM base AS b\nCOPY --from=a / /\nFROM base', 'circular dependency detected on stage: a', 2],
  ['FROM base\nCOPY --from=0 / /\nFROM base', 'circular dependency detected on stage: stage-0', 2],
  ['FROM base\nRUN true\nCOPY --from=7 / /\nFROM base', 'invalid stage index 7', 3],
  ['FROM base AS a\nCOPY --from=b / /\nFROM a AS b', 'cannot copy from stage "b", it needs to be defined before current stage "a"', 2],
  // a mount knows stages by their names
  ['FROM base AS a\nFROM base\nRUN --mount=from=0,target=/m true', 'No such image: 0:latest', 3],
  ['# escape=\\\n# escape=`\nFROM base', 'only one escape parser directive can be used', 1],
  ['# check=foo\nFROM base', 'failed to parse check options: invalid check option "foo"', 1],
];

for (const [dockerfile, message, first, last = first] of GRAPH) {
  test(`graph: ${JSON.stringify(dockerfile)}`, async () => {
    const error = await failure(buildGraph, dockerfile);
    assert.deepEqual([error.message, error.source?.range.start.line, error.source?.range.end.line], [message, first, last]);
  });
}

test('an empty --platform counts as not given', async () => {
  await buildGraph(f.env, await f.request('FROM --platform= base'));
  await buildClassic(f.env, await f.request('FROM --platform= base'));
});

const CHOWN = 'unable to convert uid/gid chown string to host mapping: ';
const CLASSIC: readonly (readonly [string, string])[] = [
  ['FROM --platform=foo base', 'failed to parse platform foo: "foo": unknown operating system or architecture: invalid argument'],
  [`${FROM}RUN --mount=type=foo true`, 'unsupported mount type "foo"'],
  [`${FROM}RUN --mount=target=/x,foo true`, "invalid field 'foo' must be a key=value pair"],
  [`${FROM}COPY /../f /x/`, 'COPY failed: forbidden path outside the build context: ../f ()'],
  [`${FROM}COPY http://127.0.0.1:1/f /x/`, "COPY failed: source can't be a URL for COPY"],
  [`${FROM}COPY --chown=1:2:3 f /`, `${CHOWN}invalid chown string format: 1:2:3`],
  [`${FROM}COPY --chown=:1 f /`, `${CHOWN}can't find uid for user : no such user: `],
  [`${FROM}ENV $a=b`, 'invalid environment variable: =b'],
  [`${FROM}EXPOSE 8080:80-81`, 'Invalid ranges specified for container and host Ports: 80-81 and 8080'],
  [`${FROM}EXPOSE localhost:1:1`, 'Invalid ip address: localhost'],
  [`FROM base AS p\nONBUILD FOO x\nFROM p`, 'unknown instruction: FOO (did you mean FROM?)'],
];

for (const [dockerfile, message] of CLASSIC) {
  test(`original: ${JSON.stringify(dockerfile)}`, async () => {
    assert.equal((await failure(buildClassic, dockerfile)).message, message);
  });
}

test('the original engine takes a variable in --from literally', async () => {
  const { message } = await failure(buildClassic, `${FROM}COPY --from=$X f /`);
  assert.match(message, /^invalid from flag value \$X: /);
});

test('steps are named after their stage where there is another, or what counts as one', async () => {
  for (const [dockerfile, name] of [
    ['FROM base AS q\nCOPY f /', '[2/2] COPY f /'],
    ['FROM base\nRUN --mount=type=tmpfs,target=/t true', '[stage-0 2/2] RUN --mount=type=tmpfs,target=/t true'],
    ['FROM base AS q\nCOPY --from=base /etc /e', '[q 2/2] COPY --from=base /etc /e'],
    ['FROM base AS q\nFROM base\nCOPY f /', '[stage-1 2/2] COPY f /'],
  ] as const) {
    const request = await f.request(dockerfile);
    await buildGraph(f.env, request);
    const names = request.events.flatMap((e) => ('name' in e ? [e.name] : []));
    assert.ok(names.includes(name), `${name}: ${names.join('; ')}`);
  }
});
