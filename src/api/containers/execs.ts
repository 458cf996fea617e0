// Further programs in containers: asked for by one request, started by another, and a third asks how they ended.
import { type Container, execIn, isAlive, resolveUser } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { randomId } from '../../util/index.ts';
import { type Api, openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { RAW_STREAM } from '../http/reply.ts';
import type { Exec } from './exec-records.ts';
import { ClientTerminal, detachKeysOf, sizeOf, streamsOf, streamType, writerOf } from './streams.ts';

export async function createExec(call: Call): Promise<void> {
  const { api, reply } = call;
  const body = await call.json();
  const c = await runningContainer(api, call.param('id'));
  const args = body.words('Cmd') ?? [];
  if (args.length === 0) throw new SlipwayError('invalid-argument', 'api.exec', 'No exec command specified');
  const keys = body.word('DetachKeys');
  detachKeysOf(keys);
  const [workdir, user] = [body.word('WorkingDir'), body.word('User')];
  const exec: Exec = {
    id: randomId(),
    container: c.id,
    args,
    env: body.texts('Env') ?? [],
    tty: body.flag('Tty') === true,
    privileged: body.flag('Privileged') === true,
    attached: {
      stdin: body.flag('AttachStdin') === true,
      stdout: body.flag('AttachStdout') === true,
      stderr: body.flag('AttachStderr') === true,
    },
    ...(workdir !== undefined && { workdir }),
    ...(user !== undefined && { user }),
    ...(keys !== undefined && { detachKeys: keys }),
    started: false,
    running: false,
  };
  // before the connection is the program's
  if (user !== undefined && c.state.pid > 0) resolveUser(`/proc/${c.state.pid}/root`, user);
  api.execs.add(exec);
  reply.json({ Id: exec.id }, 201);
}

/** @throws SlipwayError conflict, as dockerd refuses what does not run */
async function runningContainer(api: Api, word: string): Promise<Container> {
  const containers = await openContainers(api);
  const c = containers.records.resolve(word);
  if (!isAlive(c)) throw new SlipwayError('conflict', 'container.not-running', `container ${c.id} is not running`);
  if (c.state.paused === true)
    throw new SlipwayError('conflict', 'container.paused', `Container ${c.name} is paused, unpause the container before exec`);
  return c;
}

export async function startExec(call: Call): Promise<void> {
  const { api, reply } = call;
  const body = await call.optionalJson();
  const exec = api.execs.get(call.param('id'));
  if (exec.started) throw new SlipwayError('conflict', 'api.exec', `Error: Exec command ${exec.id} has already run`);
  const c = await runningContainer(api, exec.container);
  exec.started = true;
  exec.running = true;
  const containers = await api.engine.containers();
  const { terminal: _, ...program } = exec;
  const request = { ...program, detach: body?.flag('Detach') === true };
  try {
    if (request.detach) {
      exec.exitCode = (await execIn(containers, c, { ...request, stdout: ignore, stderr: ignore })) ?? 0;
      return reply.empty(200);
    }
    const ends = reply.hijack(exec.tty ? RAW_STREAM : streamType(call, false));
    const terminal = exec.tty ? new ClientTerminal(ends, exec.attached, detachKeysOf(exec.detachKeys)) : undefined;
    const size = body?.raw('ConsoleSize');
    if (Array.isArray(size) && size.length === 2) terminal?.resize({ rows: Number(size[0]), columns: Number(size[1]) });
    if (terminal) exec.terminal = terminal;
    const streams = streamsOf(ends, exec.attached);
    try {
      exec.exitCode = (await execIn(containers, c, { ...request, ...streams, ...(terminal && { terminal }) })) ?? 0;
    } catch (e) {
      // the connection is the program's by now: what is wrong with it stands where its output would
      exec.exitCode = (isSlipwayError(e) ? e.exitCode : undefined) ?? 126;
      writerOf(ends.output, exec.tty)('stdout', Buffer.from(`${e instanceof Error ? e.message : String(e)}\r\n`));
    }
  } catch (e) {
    exec.exitCode ??= (isSlipwayError(e) ? e.exitCode : undefined) ?? 126;
    throw e;
  } finally {
    exec.running = false;
  }
}

const ignore = (): void => {};

export async function inspectExec({ api, reply, params }: Call): Promise<void> {
  const e = api.execs.get(params['id'] ?? '');
  const [entrypoint = '', ...rest] = e.args;
  reply.json({
    ID: e.id,
    Running: e.running,
    ExitCode: e.exitCode ?? null,
    ProcessConfig: { tty: e.tty, entrypoint, arguments: rest, privileged: e.privileged, ...(e.user !== undefined && { user: e.user }) },
    OpenStdin: e.attached.stdin,
    OpenStderr: e.attached.stderr,
    OpenStdout: e.attached.stdout,
    CanRemove: false,
    ContainerID: e.container,
    DetachKeys: e.detachKeys ?? '',
    Pid: 0,
  });
}

export async function resizeExec(call: Call): Promise<void> {
  const size = sizeOf(call);
  const exec = call.api.execs.get(call.param('id'));
  exec.terminal?.resize(size);
  call.reply.empty(200);
}
