// Commands that do one thing to each of the containers that are named: start, stop, kill, rm, wait, port, cleanup.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  attachTo,
  bindingText,
  isAlive,
  pauseContainer,
  processTable,
  publishedPorts,
  renameContainer,
  superviseStore,
  unpauseContainer,
  type Container,
  type ContainerManager,
  type StopOptions,
} from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Command, Context, Option, ParsedOptions } from '../command.ts';
import { clientEnds, leftRunning, openContainers } from '../containers.ts';
import { DETACH_KEYS, detachKeysOf } from '../detach-keys.ts';
import { table } from '../table.ts';

type Act = (containers: ContainerManager, c: Container, o: ParsedOptions, ctx: Context) => Promise<string | undefined>;

interface Each {
  /** Acts on all at once. */
  readonly together?: boolean;
  readonly missingIsFine?: (o: ParsedOptions) => boolean;
  /** What is said of a container that is missing, where Docker says more. */
  readonly missing?: (word: string) => string;
}

/** Acts on each and reports in the order of the arguments; an error of one does not keep the others from theirs. */
export function each(command: Omit<Command, 'run'>, act: Act, { together, missingIsFine, missing }: Each = {}): Command {
  return {
    ...command,
    async run(ctx, o, args) {
      const containers = await openContainers(ctx);
      const begin = async (word: string): Promise<string | undefined> => act(containers, containers.records.resolve(word), o, ctx);
      const begun = together === true ? args.map((word) => begin(word)) : [];
      for (const one of begun) one.catch(() => {}); // reported below
      let failed = 0;
      for (const [i, word] of args.entries()) {
        try {
          const line = await (begun[i] ?? begin(word));
          if (line !== undefined) ctx.stdout.write(`${line === '' ? word : line}\n`);
        } catch (e) {
          if (!isSlipwayError(e) || e.kind === 'cancelled') throw e;
          if (e.code === 'container.not-found' && missingIsFine?.(o)) {
            ctx.stderr.write(`error: ${e.message}\n`);
            continue;
          }
          failed++;
          const message = e.code === 'container.not-found' ? (missing?.(word) ?? e.message) : e.message;
          ctx.stderr.write(`error: ${message}\n${e.hints.map((h) => `hint: ${h}\n`).join('')}`);
        }
      }
      return failed > 0 ? 1 : 0;
    },
  };
}

const CONTAINERS = { usage: '[OPTIONS] CONTAINER [CONTAINER...]', args: { min: 1 } } as const;

const startEach: Command = each(
  {
    name: 'start',
    summary: 'Start containers',
    examples: ['slipway start web', 'slipway start -ai shell'],
    ...CONTAINERS,
    options: [
      { name: 'attach', short: 'a', type: 'boolean', help: "Show the output, forward signals, and exit with the container's exit code" },
      DETACH_KEYS,
      { name: 'interactive', short: 'i', type: 'boolean', help: 'Attach standard input as well' },
    ],
  },
  async (containers, c, _o, ctx) => {
    await containers.start(c, { onWarning: (message) => void ctx.stderr.write(`WARNING: ${message}\n`) });
    return '';
  },
);

export const start: Command = {
  ...startEach,
  async run(ctx, o, args) {
    const interactive = o.bool('interactive');
    if (!interactive && !o.bool('attach')) return startEach.run(ctx, o, args);
    if (args.length > 1) throw new SlipwayError('invalid-argument', 'cli.start', 'you cannot start and attach multiple containers at once');
    const containers = await openContainers(ctx);
    const c = containers.records.resolve(args[0] ?? '');
    const ends = clientEnds(ctx, c, { input: interactive, signals: true, detachKeys: detachKeysOf(ctx, o) });
    if (isAlive(c) || c.state.status === 'restarting') return (await attachTo(containers, c, ends)) ?? 0;
    try {
      return (await containers.runForeground(c, ends)) ?? 0;
    } catch (e) {
      throw isSlipwayError(e) && e.code !== 'container.command-not-startable' ? withStartCode(e) : e;
    }
  },
};

/** Only `run` has exit codes of its own for a program that is missing. */
const withStartCode = (e: SlipwayError): SlipwayError => (e.exitCode === undefined ? e : e.withContext({ exitCode: 1 }));

export const attach: Command = {
  name: 'attach',
  summary: 'Attach to a running container',
  usage: '[OPTIONS] CONTAINER',
  examples: ['slipway attach web', 'slipway attach --no-stdin web'],
  args: { min: 1, max: 1 },
  options: [
    DETACH_KEYS,
    { name: 'no-stdin', type: 'boolean', help: 'Do not attach standard input' },
    { name: 'sig-proxy', type: 'boolean', help: 'Forward signals to the container (true)' },
  ],
  async run(ctx, o, [word = '']) {
    const containers = await openContainers(ctx);
    const c = containers.records.resolve(word);
    const signals = !o.has('sig-proxy') || o.bool('sig-proxy');
    const ends = clientEnds(ctx, c, { input: !o.bool('no-stdin'), signals, detachKeys: detachKeysOf(ctx, o) });
    return (await attachTo(containers, c, ends)) ?? leftRunning(ctx);
  },
};

const STOP_OPTIONS: readonly Option[] = [
  { name: 'signal', short: 's', type: 'string', placeholder: 'signal', help: 'Signal that stops the container' },
  { name: 'timeout', short: 't', type: 'number', placeholder: 'seconds', help: 'Time to wait before killing the container' },
  { name: 'time', type: 'number', placeholder: 'seconds', help: 'Same as --timeout', hidden: true },
];

const stopOptions = (o: ParsedOptions): StopOptions => ({ seconds: o.number('timeout') ?? o.number('time'), signal: o.string('signal') });

export const stop: Command = each(
  {
    name: 'stop',
    summary: 'Stop containers',
    examples: ['slipway stop web', 'slipway stop -t 1 web'],
    ...CONTAINERS,
    options: STOP_OPTIONS,
  },
  async (containers, c, o) => {
    await containers.stop(c, stopOptions(o));
    return '';
  },
  { together: true },
);

export const restart: Command = each(
  {
    name: 'restart',
    summary: 'Restart containers',
    examples: ['slipway restart web', 'slipway restart -t 1 web'],
    ...CONTAINERS,
    options: STOP_OPTIONS,
  },
  async (containers, c, o) => {
    await containers.restart(c, stopOptions(o));
    return '';
  },
);

export const pause: Command = each(
  {
    name: 'pause',
    summary: 'Pause all processes of containers',
    examples: ['slipway pause web', 'slipway pause web db'],
    options: [],
    ...CONTAINERS,
  },
  async (containers, c) => {
    await pauseContainer(containers, c);
    return '';
  },
);

export const unpause: Command = each(
  {
    name: 'unpause',
    summary: 'Resume paused containers',
    examples: ['slipway unpause web', 'slipway unpause web db'],
    options: [],
    ...CONTAINERS,
  },
  async (containers, c) => {
    await unpauseContainer(containers, c);
    return '';
  },
);

export const rename: Command = {
  name: 'rename',
  summary: 'Rename a container',
  usage: 'CONTAINER NEW_NAME',
  examples: ['slipway rename web old-web', 'slipway rename old-web web'],
  args: { min: 2, max: 2 },
  options: [],
  async run(ctx, _o, [word = '', name = '']) {
    const containers = await openContainers(ctx);
    await renameContainer(containers, containers.records.resolve(word), name);
  },
};

export const top: Command = {
  name: 'top',
  summary: 'Show the processes of a container',
  usage: 'CONTAINER [ps OPTIONS]',
  examples: ['slipway top web', 'slipway top web -o pid,comm'],
  args: { min: 1 },
  stopAtFirstArg: true,
  options: [],
  async run(ctx, _o, [word = '', ...args]) {
    const containers = await openContainers(ctx);
    const rows = await processTable(containers, containers.records.resolve(word), args);
    ctx.stdout.write(table(rows, 3, 20));
  },
};

export const kill: Command = each(
  {
    name: 'kill',
    summary: 'Send a signal to containers',
    examples: ['slipway kill web', 'slipway kill -s HUP web'],
    ...CONTAINERS,
    options: [{ name: 'signal', short: 's', type: 'string', placeholder: 'signal', help: 'Signal to send (KILL)' }],
  },
  async (containers, c, o) => {
    await containers.kill(c, o.string('signal') ?? 'KILL');
    return '';
  },
  { missing: (word) => `cannot kill container: ${word}: No such container: ${word}` },
);

export const rm: Command = each(
  {
    name: 'rm',
    summary: 'Remove containers',
    examples: ['slipway rm web', 'slipway rm -f $(slipway ps -aq)'],
    ...CONTAINERS,
    options: [
      { name: 'force', short: 'f', type: 'boolean', help: 'Remove running containers too' },
      { name: 'volumes', short: 'v', type: 'boolean', help: 'Remove anonymous volumes too' },
    ],
  },
  async (containers, c, o) => {
    await containers.remove(c, { force: o.bool('force'), volumes: o.bool('volumes') });
    return '';
  },
  { together: true, missingIsFine: (o) => o.bool('force') },
);

export const wait: Command = each(
  {
    name: 'wait',
    summary: 'Wait for containers to exit and print their exit codes',
    examples: ['slipway wait job', 'slipway wait job1 job2'],
    options: [],
    ...CONTAINERS,
  },
  async (containers, c, _o, ctx) => String(await containers.wait(c, { signal: ctx.signal })),
);

export const port: Command = {
  name: 'port',
  summary: 'Show the published ports of a container',
  usage: 'CONTAINER [PORT[/PROTOCOL]]',
  examples: ['slipway port web', 'slipway port web 80/tcp'],
  args: { min: 1, max: 2 },
  options: [],
  async run(ctx, _o, args) {
    const containers = await openContainers(ctx);
    const [word = '', only] = args;
    const c = containers.records.resolve(word);
    const [number = ''] = only?.split('/') ?? [];
    if (only !== undefined && !/^\d+$/.test(number))
      throw new SlipwayError(
        'invalid-argument',
        'cli.port',
        `invalid port (${number}): strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`,
      );
    const ports = publishedPorts(c, only);
    if (only !== undefined && ports.length === 0)
      throw new SlipwayError('not-found', 'cli.port', `No public port '${only}' published for ${word}`);
    ctx.stdout.write(ports.map((p) => (only === undefined ? `${p.port} -> ${bindingText(p)}\n` : `${bindingText(p)}\n`)).join(''));
  },
};

export const cleanup: Command = {
  name: 'container cleanup',
  summary: 'Record the end of a container',
  usage: 'ID',
  examples: ['slipway container cleanup ID   (its monitor calls this)'],
  args: { min: 1, max: 1 },
  options: [],
  async run(ctx, _o, args) {
    // a monitor may end after the whole store was removed: opening it would create it again
    if (!existsSync(join(ctx.settings.root, 'slipway.db'))) return;
    await (await (await ctx.engine()).containers()).cleanUp(args[0] ?? '');
  },
};

export const supervise: Command = {
  name: 'container supervise',
  summary: 'Start containers again as their restart policies want',
  usage: '[ID]',
  examples: ['slipway container supervise   (commands start it when a container needs it)'],
  args: { min: 0, max: 1 },
  options: [],
  async run(ctx, _o, [id]) {
    const containers = await (await ctx.engine()).containers();
    await (id === undefined ? superviseStore(containers, ctx.signal) : containers.restartByPolicy(id));
  },
};
