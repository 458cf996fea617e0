// What `build --call outline` and `build --check` find, as buildx reports it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { examine, lint } from '../../src/builder/index.ts';
import { buildFixture } from './build-fixture.ts';

const f = buildFixture();
after(() => f.dispose());

async function outline(dockerfile: string, buildArgs: Record<string, string> = {}) {
  const { args, secrets, ssh } = (await examine(f.env, await f.request(dockerfile, { buildArgs }))).outline;
  const mount = (m: { name: string; required: boolean; range: { start: { line: number } } }) =>
    `${m.name}${m.required ? '!' : ''}:${m.range.start.line}`;
  return {
    args: args.map((a) => `${a.name}=${a.value ?? '-'}:${a.range.start.line}`),
    secrets: secrets.map(mount),
    ssh: ssh.map(mount),
  };
}

test('arguments that defaults are made of count, by their last declaration', async () => {
  const dockerfile = `ARG FOO=123
ARG ABC=abc
ARG UNUSED=def
ARG FOO=\${FOO}\${ABC}
ARG BAR=\${FOO}456
ARG FOO=\${FOO}456\${BAR}
FROM scratch
ARG FOO
ARG IN=1
ARG IN=\${IN}2
`;
  const { args } = await outline(dockerfile);
  assert.deepEqual(args, ['ABC=abc:2', 'BAR=123abc456:5', 'FOO=123abc456123abc456:6', 'IN=12:10']);
});

test('only what the target needs counts, and predefined arguments do not', async () => {
  const dockerfile = `ARG TAG=latest
ARG OTHER=x
FROM base:$TAG AS a
ARG A=1
FROM base AS b
ARG B=2
FROM scratch
ARG TARGETARCH
ARG HTTP_PROXY
COPY --from=a / /
`;
  assert.deepEqual((await outline(dockerfile)).args, ['TAG=latest:1', 'A=1:4', 'HTTP_PROXY=-:9']);
  assert.deepEqual((await outline(dockerfile, { A: '7', TAG: 'latest' })).args, ['TAG=latest:1', 'A=7:4', 'HTTP_PROXY=-:9']);
});

test('secrets and agents have their names with variables replaced', async () => {
  const dockerfile = `FROM base AS a
ARG N=3
RUN --mount=type=secret,id=tok$N,required --mount=type=secret,target=/run/q --mount=type=ssh true
FROM a
RUN --mount=type=ssh,id=k,required true
RUN --mount=type=secret,id=tok3 true
`;
  const { secrets, ssh } = await outline(dockerfile);
  assert.deepEqual(secrets, ['q:3', 'tok3:6']);
  assert.deepEqual(ssh, ['default:3', 'k!:5']);
});

test('a violation that fails the build is a finding of --check, and fails --call outline', async () => {
  const request = await f.request('# check=error=true\nFROM base as x\n');
  const { error, warnings } = await lint(f.env, request);
  assert.deepEqual([error?.message, warnings.length], ['lint violation found for rules: FromAsCasing', 1]);
  await assert.rejects(examine(f.env, request), { code: 'build.lint' });
});
