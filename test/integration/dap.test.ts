// `slipway dap` with the client that VS Code's own debug adapters are tested with: breakpoints, steps, variables, files, commands in the
// state of a step, failures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { openShop } from '../support/shop.ts';

const BIN = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const shop = openShop('dap');
let clients: DebugClient[] = [];
before(() => shop.ok('bootstrap', 'busybox'));
afterEach(async () => {
  for (const client of clients) await client.stop().catch(() => {});
  clients = [];
});
after(() => shop.close());

const folder = shop.context.bind(shop);

async function client(port?: number): Promise<DebugClient> {
  const made = new DebugClient(BIN, 'dap', 'slipway', { env: shop.env });
  // tests have a limit of their own
  made.defaultTimeout = 120_000;
  clients.push(made);
  await made.start(port);
  return made;
}

type Launch = DebugProtocol.LaunchRequestArguments & Readonly<Record<string, unknown>>;

/** Launches a build with breakpoints, and waits for the first stop. */
async function launched(o: Launch, lines: Readonly<Record<string, readonly number[]>> = {}, port?: number): Promise<DebugClient> {
  const made = await client(port);
  await made.initializeRequest({ adapterID: 'slipway', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' });
  await Promise.all([made.waitForEvent('initialized'), made.launchRequest(o)]);
  for (const [path, at] of Object.entries(lines)) {
    const { breakpoints } = (await made.setBreakpointsRequest({ source: { path }, breakpoints: at.map((line) => ({ line })) })).body;
    assert.ok(breakpoints.every(({ verified }) => verified));
  }
  return made;
}

async function stopped(
  made: DebugClient,
  act: () => Promise<unknown>,
): Promise<{ readonly reason: string; readonly at: string; readonly name: string }> {
  const [event] = await Promise.all([made.waitForEvent('stopped') as Promise<DebugProtocol.StoppedEvent>, act()]);
  const [frame] = (await made.stackTraceRequest({ threadId: 1 })).body.stackFrames;
  return { reason: event.body.reason, at: `${frame?.source?.name}:${frame?.line}`, name: frame?.name ?? '' };
}

const begin = (made: DebugClient) => (): Promise<unknown> => made.configurationDoneRequest();
const next = (made: DebugClient) => (): Promise<unknown> => made.nextRequest({ threadId: 1 });
const on = (made: DebugClient) => (): Promise<unknown> => made.continueRequest({ threadId: 1 });
const say = async (made: DebugClient, expression: string): Promise<string> =>
  (await made.evaluateRequest({ expression, context: 'repl', frameId: 1 })).body.result;

async function ended(made: DebugClient, act: () => Promise<unknown>): Promise<{ readonly exitCode: number; readonly output: string }> {
  let output = '';
  made.on('output', (e: DebugProtocol.OutputEvent) => (output += e.body.output));
  const [exited] = await Promise.all([
    made.waitForEvent('exited') as Promise<DebugProtocol.ExitedEvent>,
    made.waitForEvent('terminated'),
    act(),
  ]);
  return { exitCode: exited.body.exitCode, output };
}

/** A scope's variables. */
async function variables(made: DebugClient, scope: string): Promise<Map<string, DebugProtocol.Variable>> {
  const { scopes } = (await made.scopesRequest({ frameId: 1 })).body;
  const { variablesReference } = scopes.find(({ name }) => name === scope) ?? assert.fail(`no scope ${scope}`);
  const { variables: list } = (await made.variablesRequest({ variablesReference })).body;
  return new Map(list.map((variable) => [variable.name, variable]));
}

const DOCKERFILE = `ARG VERSION=1
FROM busybox AS build
ARG VERSION
ENV KIND=debug
WORKDIR /work
RUN echo "made $VERSION" > made
RUN echo more >> made \\
 && echo most >> made

FROM busybox
COPY --from=build /work/made /made
LABEL version=1
CMD ["cat", "/made"]
`;

test('breakpoints, variables, files, commands in the state of a step', async () => {
  const context = folder({ Dockerfile: DOCKERFILE });
  const dockerfile = join(context, 'Dockerfile');
  const made = await launched({ dockerfile, args: ['--build-arg', 'VERSION=7', '-t', 'debugged'] }, { [dockerfile]: [6, 8, 11] });
  const first = await stopped(made, begin(made));
  assert.deepEqual(first, { reason: 'breakpoint', at: 'Dockerfile:6', name: 'build: RUN echo "made $VERSION" > made' });
  assert.equal((await variables(made, 'Arguments')).get('VERSION')?.value, '7');
  assert.equal((await variables(made, 'Environment')).get('KIND')?.value, 'debug');
  assert.equal((await variables(made, 'Image')).get('working directory')?.value, '/work');
  assert.equal((await variables(made, 'Stage')).get('name')?.value, 'build');
  assert.equal(await say(made, 'pwd; ls; echo "$VERSION $KIND"'), '/work\n7 debug\n');
  assert.equal(await say(made, 'touch scratch; ls; exit 3'), 'scratch\nexit code: 3\n');
  assert.equal(await say(made, 'ls'), 'scratch\n', 'what a command changes is there for the next one');
  assert.equal((await made.evaluateRequest({ expression: '$VERSION', context: 'hover' })).body.result, '7');
  await assert.rejects(made.evaluateRequest({ expression: 'rm -rf /', context: 'watch' }), /no variable/);
  assert.deepEqual(await stopped(made, next(made)), {
    reason: 'breakpoint',
    at: 'Dockerfile:7',
    name: 'build: RUN echo more >> made  && echo most >> made',
  });
  assert.equal(await say(made, 'ls; cat made'), 'made\nmade 7\n', 'and gone when the build goes on');
  const files = await variables(made, 'Files');
  assert.match(files.get('work')?.value ?? '', /^0755 0:0$/);
  const { variables: inside } = (await made.variablesRequest({ variablesReference: files.get('work')?.variablesReference ?? 0 })).body;
  assert.deepEqual(
    inside.map(({ name, value }) => `${name} ${value}`),
    ['made 0644 0:0 7B'],
  );
  assert.deepEqual(await stopped(made, on(made)), {
    reason: 'breakpoint',
    at: 'Dockerfile:11',
    name: 'stage 1: COPY --from=build /work/made /made',
  });
  const { exitCode, output } = await ended(made, on(made));
  assert.equal(exitCode, 0, output);
  assert.match(output, /sha256:[0-9a-f]{64}\n/);
  assert.equal((await shop.ok('run', '--rm', 'debugged')).stdout, 'made 7\nmore\nmost\n');
});

test('step by step from the entry, also where everything is cached, and out of a stage', async () => {
  const context = folder({ Dockerfile: DOCKERFILE });
  await shop.ok('build', '-q', context);
  const made = await launched({ program: join(context, 'Dockerfile'), stopOnEntry: true });
  const places = [await stopped(made, begin(made)), await stopped(made, next(made)), await stopped(made, next(made))];
  assert.deepEqual(
    places.map(({ reason, at }) => `${reason} ${at}`),
    ['entry Dockerfile:2', 'step Dockerfile:3', 'step Dockerfile:4'],
  );
  assert.equal((await stopped(made, () => made.stepOutRequest({ threadId: 1 }))).at, 'Dockerfile:10');
  assert.equal(await say(made, 'ls /made 2>&1 || true'), 'ls: /made: No such file or directory\n');
  assert.equal((await stopped(made, () => made.stepInRequest({ threadId: 1 }))).at, 'Dockerfile:11');
  assert.equal((await stopped(made, next(made))).at, 'Dockerfile:12');
  assert.equal(await say(made, 'cat /made'), 'made 1\nmore\nmost\n');
  assert.equal((await ended(made, on(made))).exitCode, 0);
});

test('a failed step is stopped at, with what it left', async () => {
  const context = folder({ Dockerfile: 'FROM busybox\nRUN echo half > /half && exit 4\n' });
  const made = await launched({ contextPath: context });
  await made.setExceptionBreakpointsRequest({ filters: ['failed'] });
  assert.deepEqual(await stopped(made, begin(made)), {
    reason: 'exception',
    at: 'Dockerfile:2',
    name: 'stage 0: RUN echo half > /half && exit 4',
  });
  assert.equal(await say(made, 'cat /half'), 'half\n');
  assert.ok((await variables(made, 'Files')).has('half'));
  const info = (await made.customRequest('exceptionInfo', { threadId: 1 })) as DebugProtocol.ExceptionInfoResponse;
  assert.match(info.body.description ?? '', /exit code: 4/);
  const { exitCode, output } = await ended(made, on(made));
  assert.equal(exitCode, 1);
  assert.match(output, /Dockerfile:2\n-+\n[\s\S]*ERROR: process .* exit code: 4/);
  const again = await launched({ contextPath: context });
  await again.setExceptionBreakpointsRequest({ filters: [] });
  assert.equal((await ended(again, begin(again))).exitCode, 1, 'it is not, when nobody wants that');
});

test('breakpoints in included parts, and on lines without an instruction', async () => {
  const context = folder({
    Dockerfile: '# slipway:features=include\n\nFROM busybox\nINCLUDE parts/steps\nRUN true\n',
    'parts/steps': '# a comment\nRUN echo part > /part\n',
  });
  const part = join(context, 'parts/steps');
  const made = await client();
  await made.initializeRequest();
  await Promise.all([made.waitForEvent('initialized'), made.launchRequest({ contextPath: context } as Launch)]);
  const set = async (path: string, line: number): Promise<DebugProtocol.Breakpoint | undefined> =>
    (await made.setBreakpointsRequest({ source: { path }, breakpoints: [{ line }] })).body.breakpoints[0];
  assert.equal((await set(join(context, 'Dockerfile'), 1))?.line, 3);
  assert.equal((await set(join(context, 'Dockerfile'), 9))?.verified, false);
  assert.equal((await set(part, 1))?.line, 2);
  const { breakpoints } = (
    (await made.customRequest('breakpointLocations', {
      source: { path: join(context, 'Dockerfile') },
      line: 1,
      endLine: 5,
    })) as DebugProtocol.BreakpointLocationsResponse
  ).body;
  assert.deepEqual(breakpoints, [{ line: 3 }, { line: 5 }]);
  assert.equal((await stopped(made, begin(made))).at, 'parts/steps:2');
  assert.equal((await stopped(made, next(made))).at, 'Dockerfile:5');
  assert.equal(await say(made, 'cat /part'), 'part\n');
  assert.equal((await ended(made, on(made))).exitCode, 0);
});

test('a command sees the mounts of the RUN that it stands at; no step runs twice', async () => {
  const context = folder({
    Dockerfile: `FROM busybox AS tools
RUN echo tool > /tool
FROM busybox
RUN --mount=type=cache,target=/runs echo run >> /runs/log && cat /proc/sys/kernel/random/uuid > /stamp
RUN --mount=type=secret,id=token --mount=type=bind,from=tools,target=/tools --mount=type=bind,target=/context cat /run/secrets/token /tools/tool /context/file
RUN --mount=type=cache,target=/runs wc -l < /runs/log > /count
`,
    file: 'of the context\n',
    token: 'secret\n',
  });
  const dockerfile = join(context, 'Dockerfile');
  const args = ['--no-cache', '-t', 'mounted', '--secret', `id=token,src=${join(context, 'token')}`];
  const made = await launched({ dockerfile, args }, { [dockerfile]: [5, 6] });
  assert.equal((await stopped(made, begin(made))).at, 'Dockerfile:5');
  assert.equal(await say(made, 'cat /run/secrets/token /tools/tool /context/file'), 'secret\ntool\nof the context\n');
  const stamp = await say(made, 'cat /stamp');
  assert.equal((await stopped(made, on(made))).at, 'Dockerfile:6');
  assert.equal(await say(made, 'ls /run/secrets 2>/dev/null; cat /stamp; wc -l < /runs/log'), `${stamp}1\n`);
  assert.equal((await ended(made, on(made))).exitCode, 0);
  assert.equal((await shop.ok('run', '--rm', 'mounted', 'cat', '/stamp', '/count')).stdout, `${stamp}1\n`);
});

test('a build is interrupted: a command in it, the build itself, and all of it when the editor goes', async () => {
  const context = folder({ Dockerfile: 'FROM busybox\nRUN echo waiting && sleep 600\n' });
  const dockerfile = join(context, 'Dockerfile');
  const made = await launched({ dockerfile }, { [dockerfile]: [2] });
  await stopped(made, begin(made));
  // its number is the next one
  const running = made.evaluateRequest({ expression: 'sleep 600', context: 'repl' });
  const { seq } = await sequenceOf(made);
  await Promise.all([assert.rejects(running, /cancelled/), made.customRequest('cancel', { requestId: seq - 1 })]);
  assert.equal(await say(made, 'echo still here'), 'still here\n');
  const waiting = new Promise<void>((resolve) => {
    made.on('output', (e: DebugProtocol.OutputEvent) => e.body.output.includes('waiting') && !e.body.output.includes('RUN') && resolve());
  });
  await on(made)();
  await waiting;
  await assert.rejects(made.evaluateRequest({ expression: 'ls', context: 'repl' }), /does not stand still/);
  const { exitCode, output } = await ended(made, () => made.terminateRequest());
  assert.equal(exitCode, 1);
  assert.match(output, /the debugger ended the build/);
  const child = spawn(BIN, ['dap'], { env: shop.env, stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  let text = '';
  const stands = new Promise<void>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()).includes('"stopped"') && resolve()),
  );
  for (const [i, [command, args]] of Object.entries([
    ['initialize', {}],
    ['launch', { dockerfile, stopOnEntry: true }],
    ['configurationDone', {}],
  ] as const).map(([i, pair]) => [Number(i), pair] as const)) {
    const body = JSON.stringify({ seq: i + 1, type: 'request', command, arguments: args });
    // in pieces, as a pipe may give them
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n`);
    child.stdin.write(`\r\n${body}`);
    if (command === 'launch') await until(() => text.includes('"initialized"'), child.stdout);
  }
  await stands;
  child.stdin.end();
  assert.equal(await closed, 0);
});

/** The number of the request that was sent last. */
async function sequenceOf(made: DebugClient): Promise<{ readonly seq: number }> {
  const response = (await made.threadsRequest()) as DebugProtocol.Response;
  return { seq: response.request_seq };
}

async function until(holds: () => boolean, stream: NodeJS.ReadableStream): Promise<void> {
  while (!holds()) await new Promise((resolve) => stream.once('data', resolve));
}

test('what cannot be done is refused with a reason', async () => {
  const context = folder({ Dockerfile: 'FROM busybox\n' });
  const made = await client();
  await made.initializeRequest();
  const refused = async (args: Readonly<Record<string, unknown>>, message: RegExp): Promise<void> =>
    assert.rejects(made.launchRequest(args as Launch), message);
  await refused({ contextPath: context, args: ['--check'] }, /--check cannot be used by a debugger/);
  await refused({ contextPath: context, args: ['--nope'] }, /unknown flag: --nope/);
  await refused({ contextPath: context, args: 'x' }, /must be a list/);
  await refused({ dockerfile: '-' }, /cannot be standard input/);
  await assert.rejects(made.attachRequest({} as DebugProtocol.AttachRequestArguments), /attach is not supported/);
  await assert.rejects(made.evaluateRequest({ expression: 'ls', context: 'repl' }), /does not stand still/);
  await made.launchRequest({ contextPath: join(context, 'missing') } as Launch);
  const { exitCode, output } = await ended(made, begin(made));
  assert.equal(exitCode, 1);
  assert.match(output, /path .*missing" not found/);
  const broken = await shop.typing('GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'dap');
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /what comes in is not the Debug Adapter Protocol: it has no Content-Length/);
  const classic = new DebugClient(BIN, 'dap', 'slipway', { env: { ...shop.env, DOCKER_BUILDKIT: '0' } });
  clients.push(classic);
  await classic.start();
  await classic.initializeRequest();
  await assert.rejects(classic.launchRequest({ contextPath: context } as Launch), /original engine cannot be gone through/);
});

test('over a port of this machine, one editor after the other; another user is refused', async () => {
  const server = spawn(BIN, ['dap', '--port', '0'], { env: shop.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve) => server.on('close', resolve));
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let text = '';
  server.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(() => /:\d+\n/.test(text), server.stdout);
  assert.match(text, /^listening on 127\.0\.0\.1:\d+\n$/);
  const port = Number(/:(\d+)/.exec(text)?.[1]);
  const context = folder({ Dockerfile: 'FROM busybox\nRUN true\n' });
  for (let round = 0; round < 2; round++) {
    const made = await launched({ contextPath: context, stopOnEntry: true }, {}, port);
    assert.equal((await stopped(made, begin(made))).at, 'Dockerfile:1');
    assert.equal((await ended(made, on(made))).exitCode, 0);
    await made.stop();
    // it would wait for an answer of the server for ever
    clients = [];
  }
  const script = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => {}).on('close', () => process.stdout.write('closed'))`;
  const other = spawn(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  let answer = '';
  other.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await new Promise((resolve) => other.on('close', resolve));
  assert.equal(answer, 'closed');
  await until(() => said.includes('another user'), server.stderr);
  const socket = connect(port, '127.0.0.1');
  socket.write('nonsense\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve).resume());
  server.kill('SIGINT');
  assert.ok([0, 130].includes((await closed) ?? -1));
});
