// Commands that do one thing to each of the containers that are named: start, stop, kill, rm, wait, port, cleanup.
import { bindingText, type Container, type ContainerManager, publishedPorts } from '../../container/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { openContainers } from '../containers.ts';

type Act = (containers: ContainerManager, c: Container, o: ParsedOptions, ctx: Context) => Promise<string | undefined>;

interface Each {
  /** Acts on all at once. */
  readonly together?: boolean;
  readonly missingIsFine?: (o: ParsedOptions) => boolean;
}

/** Acts on each and reports in the order of the arguments; an error of one does not keep the others from theirs. */
function each(command: Omit<Command, 'run'>, act: Act, { together, missingIsFine }: Each = {}): Command {
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
          ctx.stderr.write(`error: ${e.message}\n${e.hints.map((h) => `hint: ${h}\n`).join('')}`);
        }
      }
      return failed > 0 ? 1 : 0;
    },
  };
}

const CONTAINERS = { usage: '[OPTIONS] CONTAINER [CONTAINER...]', args: { min: 1 } } as const;

export const start: Command = each(
  { name: 'start', summary: 'Start containers', examples: ['slipway start web'], options: [], ...CONTAINERS },
  async (containers, c) => {
    await containers.start(c);
    return '';
  },
);

export const stop: Command = each(
  {
    name: 'stop',
    summary: 'Stop containers',
    examples: ['slipway stop web', 'slipway stop -t 1 web'],
    ...CONTAINERS,
    options: [
      { name: 'time', short: 't', type: 'number', placeholder: 'seconds', help: 'Time it has to end before it is killed' },
      { name: 'timeout', type: 'number', placeholder: 'seconds', help: 'The same' },
    ],
  },
  async (containers, c, o) => {
    await containers.stop(c, o.number('time') ?? o.number('timeout'));
    return '';
  },
  { together: true },
);

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
);

export const rm: Command = each(
  {
    name: 'rm',
    summary: 'Remove containers',
    examples: ['slipway rm web', 'slipway rm -f $(slipway ps -aq)'],
    ...CONTAINERS,
    options: [
      { name: 'force', short: 'f', type: 'boolean', help: 'Also those that run' },
      { name: 'volumes', short: 'v', type: 'boolean', help: 'Their anonymous volumes too' },
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
    summary: 'Wait for containers to end and print their exit codes',
    examples: ['slipway wait job'],
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
    await (await (await ctx.engine()).containers()).cleanUp(args[0] ?? '');
  },
};
