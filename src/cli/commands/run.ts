// `run` and `create`: flags to a container request, and our own streams for its program.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseVolume, parsePortSpec, type Container, type ContainerRequest } from '../../engine/index.ts';
import { isSlipwayError, parsePlatform, parseUlimit, SlipwayError } from '../../model/index.ts';
import { parseBytes } from '../../util/index.ts';
import { invalidValue } from '../args.ts';
import { CONTENT_TRUST, refuseContentTrust } from '../content-trust.ts';
import type { Command, Context, Option, ParsedOptions } from '../command.ts';
import { clientEnds, fromEnvironment, noTerminal } from '../containers.ts';
import { containerLabels, exposed, extraHost, nameServer, nanoCpus, wrongFlag } from '../container-values.ts';
import { DETACH_KEYS, detachKeysOf } from '../detach-keys.ts';
import { readEnvFile } from '../env-file.ts';
import { MORE_FLAGS, moreOf } from '../more-run-flags.ts';
import { parseMount } from '../mount-flag.ts';
import { networksOf } from '../network-flag.ts';
import { parsePolicy, withImage } from '../pulling.ts';
import { configuredProxies } from '../user-config.ts';

const REQUEST: readonly Option[] = [
  ...MORE_FLAGS,
  CONTENT_TRUST,
  { name: 'attach', short: 'a', type: 'list', placeholder: 'stream', help: 'Show only STDOUT or STDERR; standard input is attached by -i' },
  { name: 'add-host', type: 'list', placeholder: 'name:ip', help: 'Add a line to /etc/hosts' },
  { name: 'cap-add', type: 'list', placeholder: 'capability', help: 'Add Linux capabilities' },
  { name: 'cap-drop', type: 'list', placeholder: 'capability', help: 'Drop Linux capabilities' },
  { name: 'cidfile', type: 'string', placeholder: 'file', help: "Write the container's ID into a new file" },
  { name: 'cpus', type: 'string', placeholder: 'n', help: 'Number of CPUs' },
  { name: 'dns', type: 'list', placeholder: 'ip', help: 'Name servers' },
  { name: 'entrypoint', type: 'string', placeholder: 'program', help: "Override the image's entrypoint" },
  { name: 'env', short: 'e', type: 'list', placeholder: 'NAME=value', help: 'Set environment variables' },
  { name: 'env-file', type: 'list', placeholder: 'file', help: 'Read environment variables from a file' },
  { name: 'expose', type: 'list', placeholder: 'port', help: 'Expose a port or a range' },
  { name: 'hostname', short: 'h', type: 'string', placeholder: 'name', help: 'Host name in the container' },
  { name: 'init', type: 'boolean', help: 'Run an init process that forwards signals and reaps processes' },
  { name: 'interactive', short: 'i', type: 'boolean', help: 'Keep standard input open' },
  { name: 'label', short: 'l', type: 'list', placeholder: 'key=value', help: 'Set metadata' },
  { name: 'label-file', type: 'list', placeholder: 'file', help: 'Read metadata from a file, a line each' },
  { name: 'log-driver', type: 'string', placeholder: 'driver', help: 'Logging driver; only json-file exists' },
  { name: 'log-opt', type: 'list', placeholder: 'key=value', help: 'Log options: max-size=10m truncates the log at that size' },
  { name: 'memory', short: 'm', type: 'string', placeholder: 'bytes', help: 'Memory limit' },
  { name: 'mount', type: 'list', placeholder: 'key=value,...', help: 'Mount a folder, a volume or a tmpfs: type=bind,src=/data,dst=/data' },
  { name: 'net', type: 'list', placeholder: 'mode', help: 'The same as --network', hidden: true },
  { name: 'name', type: 'string', placeholder: 'name', help: 'Name of the container' },
  { name: 'network', type: 'list', placeholder: 'mode', help: 'bridge, none, host, a network, or container:NAME' },
  { name: 'pids-limit', type: 'number', placeholder: 'n', help: 'Maximum number of processes' },
  { name: 'platform', type: 'string', placeholder: 'os/arch', help: 'Platform of the image' },
  { name: 'privileged', type: 'boolean', help: 'Give the container all privileges of root' },
  { name: 'publish', short: 'p', type: 'list', placeholder: 'port', help: 'Publish a port: [[ip:]hostPort]:port' },
  { name: 'publish-all', short: 'P', type: 'boolean', help: 'Publish all exposed ports to free ports' },
  { name: 'pull', type: 'string', placeholder: 'always|missing|never', help: 'When to pull the image first (missing)' },
  { name: 'quiet', short: 'q', type: 'boolean', help: 'Suppress the pull output' },
  { name: 'read-only', type: 'boolean', help: 'Mount the root file system read-only' },
  { name: 'rm', type: 'boolean', help: 'Remove the container when it exits' },
  { name: 'shm-size', type: 'string', placeholder: 'bytes', help: 'Size of /dev/shm' },
  { name: 'stop-signal', type: 'string', placeholder: 'signal', help: 'Signal that stops the container' },
  { name: 'stop-timeout', type: 'number', placeholder: 'seconds', help: 'Time to wait before killing the container' },
  { name: 'tmpfs', type: 'list', placeholder: 'path', help: 'Mount a tmpfs' },
  { name: 'tty', short: 't', type: 'boolean', help: 'Allocate a terminal' },
  { name: 'ulimit', type: 'list', placeholder: 'name=soft:hard', help: 'Set limits' },
  { name: 'user', short: 'u', type: 'string', placeholder: 'user[:group]', help: 'Run as this user' },
  { name: 'volume', short: 'v', type: 'list', placeholder: 'source:path', help: 'Mount a folder or a volume' },
  { name: 'workdir', short: 'w', type: 'string', placeholder: 'path', help: 'Working directory' },
];

export const run: Command = {
  name: 'run',
  summary: 'Run a program in a new container',
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  examples: ['slipway run --rm -it busybox', 'slipway run -d -p 8080:80 --name web whoami', 'slipway run -d -P whoami -port 5000'],
  args: { min: 1 },
  stopAtFirstArg: true,
  failureExitCode: 125,
  options: [
    ...REQUEST,
    { name: 'detach', short: 'd', type: 'boolean', help: 'Run in the background and print the ID' },
    DETACH_KEYS,
    { name: 'sig-proxy', type: 'boolean', help: 'Pass signals on to the container (true)' },
  ],
  async run(ctx, o, args) {
    const containers = await (await ctx.engine()).containers();
    const detached = o.bool('detach');
    if (detached && o.list('attach').length > 0)
      throw new SlipwayError('invalid-argument', 'cli.attach', 'conflicting options: cannot specify both --attach and --detach', {
        exitCode: 1,
      });
    const detachKeys = detachKeysOf(ctx, o);
    const request = await requestOf(ctx, o, args, detached);
    const { tty, openStdin } = request;
    const onWarning = warningsOf(ctx);
    if (tty && openStdin && !detached && !ctx.stdin.isTTY) throw noTerminal();
    const c = await withIdFile(ctx, o, () =>
      withImage(ctx, request, parsePolicy(o.string('pull')), o.bool('quiet'), () => containers.create(request, { onWarning })),
    );
    if (detached) {
      // also of one that cannot be started, which is to be found and removed by it
      using _ = { [Symbol.dispose]: () => void ctx.stdout.write(`${c.id}\n`) };
      await containers.start(c, { onWarning });
      return 0;
    }
    const shown = { stdout: request.attached?.includes('stdout') === true, stderr: request.attached?.includes('stderr') === true };
    const signals = !o.has('sig-proxy') || o.bool('sig-proxy');
    return (await containers.runForeground(c, clientEnds(ctx, c, { input: true, signals, detachKeys, shown }))) ?? 0;
  },
};

export const create: Command = {
  name: 'create',
  summary: 'Create a container without starting it',
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  examples: ['slipway create --name web -p 8080:80 whoami', 'slipway create --name once --rm busybox echo hello'],
  args: { min: 1 },
  stopAtFirstArg: true,
  options: REQUEST,
  async run(ctx, o, args) {
    const containers = await (await ctx.engine()).containers();
    const request = await requestOf(ctx, o, args);
    const c: Container = await withIdFile(ctx, o, () =>
      withImage(ctx, request, parsePolicy(o.string('pull')), o.bool('quiet'), () =>
        containers.create(request, { startLater: true, onWarning: warningsOf(ctx) }),
      ),
    ).catch((e: unknown) => {
      // 125 and the like are of `run`
      throw isSlipwayError(e) && !e.code.startsWith('cli.') ? e.withContext({ exitCode: 1 }) : e;
    });
    ctx.stdout.write(`${c.id}\n`);
  },
};

/** `--cidfile`: made before the container is, so that nobody else's is overwritten; gone again when there is no container. */
async function withIdFile(ctx: Context, o: ParsedOptions, make: () => Promise<Container>): Promise<Container> {
  const file = o.string('cidfile') || undefined;
  if (file === undefined) return make();
  const path = resolve(ctx.cwd, file);
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o644);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EEXIST')
      throw wrongFlag(`container ID file found, make sure the other container isn't running or delete ${file}`);
    throw wrongFlag(`failed to create the container ID file: open ${file}: ${whyNotOpened(e)}`);
  }
  try {
    const c = await make();
    writeSync(fd, c.id);
    return c;
  } catch (e) {
    rmSync(path, { force: true });
    throw e;
  } finally {
    closeSync(fd);
  }
}

const whyNotOpened = (e: unknown): string =>
  ({ ENOENT: 'no such file or directory', EACCES: 'permission denied' })[(e as NodeJS.ErrnoException).code ?? ''] ?? String(e);

function warningsOf(ctx: Context): (message: string) => void {
  return (message) => void ctx.stderr.write(`WARNING: ${message}\n`);
}

/** Of Docker's options for logs those that have an effect here; the others are refused. */
function logLimit(o: ParsedOptions): number | undefined {
  const refuse = (message: string, hints: readonly string[] = []): SlipwayError =>
    new SlipwayError('invalid-argument', 'cli.log', message, { exitCode: 125, hints });
  const driver = o.string('log-driver') ?? 'json-file';
  if (driver !== 'json-file')
    throw refuse(`error looking up logging plugin ${driver}: no log driver named '${driver}' is registered`, [
      'logs are kept as json-file keeps them',
    ]);
  let limit: number | undefined;
  for (const option of o.list('log-opt')) {
    const [key = '', value = ''] = option.split(/=(.*)/s);
    const bytes = parseBytes(value);
    if (key === 'max-size' && bytes !== undefined && bytes > 0) limit = bytes;
    else if (key === 'max-size') throw refuse(`invalid value for max-size: '${value}'`, ['a number with a unit, such as 10m']);
    else if (key !== 'max-file' || value !== '1')
      throw refuse(`unknown log opt '${key}' for json-file log driver`, ['max-size has an effect, and max-file=1: one file is kept']);
  }
  return limit;
}

/** `--platform`, even an empty one, stands before the environment's. */
function platformOf(ctx: Context, o: ParsedOptions): string | undefined {
  const given = (o.string('platform') ?? ctx.env['DOCKER_DEFAULT_PLATFORM']) || undefined;
  if (given === undefined) return undefined;
  try {
    parsePlatform(given);
    return given;
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw wrongFlag(`error parsing specified platform: ${e.message}`);
  }
}

type Stream = NonNullable<ContainerRequest['attached']>[number];

/** `-a`; standard output and error when there is none. Standard input is attached as soon as it is open, as in Docker. */
function attachedTo(o: ParsedOptions): Stream[] {
  const asked = o.list('attach').map((word) => {
    const stream = (['stdin', 'stdout', 'stderr'] as const).find((one) => one === word.toLowerCase());
    if (stream !== undefined) return stream;
    throw wrongFlag(invalidValue('-a, --attach', word, 'valid streams are STDIN, STDOUT and STDERR'));
  });
  return [
    ...new Set([...(o.bool('interactive') ? (['stdin'] as const) : []), ...(asked.length > 0 ? asked : (['stdout', 'stderr'] as const))]),
  ];
}

async function requestOf(
  ctx: Context,
  o: ParsedOptions,
  [image = '', ...args]: readonly string[],
  detached = false,
): Promise<ContainerRequest> {
  refuseContentTrust(o);
  const text = (name: string): string | undefined => o.string(name);
  const bytes = (name: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const n = parseBytes(value);
    if (n === undefined)
      throw new SlipwayError(
        'invalid-argument',
        'cli.size',
        invalidValue(name === 'memory' ? '-m, --memory' : `--${name}`, value, `invalid size: '${value}'`),
        {
          exitCode: 125,
          hints: ['a number with a unit, such as 512m'],
        },
      );
    return n;
  };
  const mounts = o.list('mount').map(parseMount);
  const entrypoint = text('entrypoint');
  const cpus = text('cpus');
  const optional = {
    name: text('name'),
    workdir: text('workdir') || undefined,
    user: text('user'),
    hostname: text('hostname'),
    memory: bytes('memory'),
    nanoCpus: cpus === undefined ? undefined : nanoCpus(cpus),
    pidsLimit: o.number('pids-limit'),
    platform: platformOf(ctx, o),
    logLimit: logLimit(o),
    shmSize: bytes('shm-size'),
    stopSignal: text('stop-signal') || undefined,
    stopTimeout: o.number('stop-timeout'),
    entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
  };
  const set = Object.fromEntries(Object.entries(optional).filter(([, v]) => v !== undefined)) as {
    [K in keyof typeof optional]?: NonNullable<(typeof optional)[K]>;
  };
  return {
    image,
    args,
    ...set,
    ...moreOf(ctx, o),
    env: [
      ...Object.entries(configuredProxies(ctx.env)).map(([name, value]) => `${name}=${value}`),
      ...(await Promise.all(o.list('env-file').map((f) => readEnvFile(ctx, f)))).flat(),
      ...o.list('env').flatMap((e) => fromEnvironment(e, ctx.env)),
    ],
    tty: o.bool('tty'),
    openStdin: o.bool('interactive'),
    attached: detached ? [] : attachedTo(o),
    labels: containerLabels([...(await Promise.all(o.list('label-file').map((f) => readEnvFile(ctx, f)))).flat(), ...o.list('label')]),
    ports: o.list('publish').flatMap((p) => parsePortSpec(p)),
    publishAll: o.bool('publish-all'),
    expose: o.list('expose').map(exposed),
    volumes: [
      ...mounts.flatMap((m) => ('volume' in m ? [m.volume] : [])),
      ...o
        .list('volume')
        .map((v) =>
          parseVolume(
            v.startsWith('./') || v.startsWith('../') || v === '.' || v.startsWith('.:')
              ? `${resolve(ctx.cwd, v.split(':')[0] ?? '')}${v.slice((v.split(':')[0] ?? '').length)}`
              : v,
          ),
        ),
    ],
    tmpfs: [...o.list('tmpfs'), ...mounts.flatMap((m) => ('tmpfs' in m ? [m.tmpfs] : []))],
    ...(o.bool('init') && { init: true }),
    ...networksOf(o),
    addHosts: o.list('add-host').map(extraHost),
    dns: o.list('dns').map(nameServer),
    autoRemove: o.bool('rm'),
    readonlyRootfs: o.bool('read-only'),
    privileged: o.bool('privileged'),
    capAdd: o.list('cap-add'),
    capDrop: o.list('cap-drop'),
    ulimits: o.list('ulimit').map((spec) => {
      try {
        return parseUlimit(spec);
      } catch (e) {
        if (!isSlipwayError(e)) throw e;
        throw e.withContext({ message: invalidValue('--ulimit', spec, e.message), exitCode: 125 });
      }
    }),
  };
}
