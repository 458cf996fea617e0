// Sets of builders elsewhere are named, changed and removed, by buildx's words.
import { resolve } from 'node:path';
import { type BuilderEndpoint, SlipwayError } from '../../model/index.ts';
import { randomId } from '../../util/index.ts';
import { type BuilderNode, BuilderSets, DEFAULT_BUILDER } from '../builder-sets.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { confirmed } from '../confirm.ts';

const invalid = (message: string, hint?: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'cli.builder', message, hint === undefined ? {} : { hints: [hint] });

export const builderCreate: Command = {
  name: 'builder create',
  summary: 'Name a set of builders elsewhere, or change one',
  usage: '[OPTIONS] ENDPOINT [ENDPOINT...]',
  examples: [
    'slipway builder create --name fleet --use unix:///run/buildkit/buildkitd.sock',
    'slipway builder create --name far --driver-opt cacert=ca.pem,cert=cert.pem,key=key.pem tcp://a.example:1234 tcp://b.example:1234',
    'slipway builder create --name far --append tcp://127.0.0.1:1234',
  ],
  args: { min: 0 },
  options: [
    { name: 'append', type: 'boolean', help: 'Add the builders to a set that exists' },
    { name: 'bootstrap', type: 'boolean', help: 'Fail unless they can be reached' },
    { name: 'driver', type: 'string', placeholder: 'name', help: 'remote: builders that run already' },
    {
      name: 'driver-opt',
      type: 'list',
      placeholder: 'key=value,…',
      help: 'cacert, cert, key: files in PEM; servername: whom the certificate is for',
    },
    { name: 'leave', type: 'boolean', help: 'Remove a builder, which --node names, from its set' },
    { name: 'name', type: 'string', placeholder: 'name', help: 'Name of the set' },
    { name: 'node', type: 'string', placeholder: 'name', help: 'Name of the builder within its set' },
    { name: 'use', type: 'boolean', help: 'Builds use the set unless they name another' },
  ],
  async run(ctx, o, endpoints) {
    const driver = o.string('driver') ?? 'remote';
    if (driver !== 'remote')
      throw invalid(`there is no driver ${JSON.stringify(driver)}`, 'slipway starts no builders: --driver remote uses those that run');
    const sets = new BuilderSets(ctx.env);
    const name = nameOf(o.string('name') ?? (o.bool('append') || o.bool('leave') ? sets.current : `set-${randomId().slice(0, 8)}`));
    const old = o.bool('append') || o.bool('leave') ? sets.nodes(name) : [];
    if (!o.bool('append') && !o.bool('leave') && sets.has(name)) throw invalid(`there is a builder ${name} already`, '--append adds to it');
    const nodes = o.bool('leave') ? without(old, o.string('node')) : [...old, ...(await added(ctx, o, { name, old, endpoints }))];
    if (nodes.length === 0) sets.remove(name);
    else sets.set(name, nodes);
    if (o.bool('use') && nodes.length > 0) sets.use(name);
    ctx.stdout.write(`${name}\n`);
  },
};

function nameOf(name: string): string {
  if (/^[\w][\w.-]{0,62}$/.test(name) && name !== DEFAULT_BUILDER) return name;
  throw invalid(`${JSON.stringify(name)} is no name for a set of builders`, 'letters, digits, dots and dashes; default is this machine');
}

async function added(
  ctx: Context,
  o: ParsedOptions,
  { name, old, endpoints }: { readonly name: string; readonly old: readonly BuilderNode[]; readonly endpoints: readonly string[] },
): Promise<BuilderNode[]> {
  if (endpoints.length === 0) throw invalid('where are the builders?', 'give their addresses: tcp://host:1234');
  if (o.has('node') && endpoints.length > 1) throw invalid('--node names one builder');
  const tls = tlsOf(ctx, o.list('driver-opt'));
  const made: BuilderNode[] = [];
  const { askBuilders, checkBuilderEndpoint } = await import('../../engine/index.ts');
  for (const address of endpoints) {
    const endpoint: BuilderEndpoint = { address, ...(/^(?:tcp|dns):/i.test(address) && tls && { tls }) };
    await checkBuilderEndpoint(endpoint);
    const taken = new Set([...old, ...made].map((n) => n.name));
    const node = o.string('node') ?? Array.from({ length: taken.size + 1 }, (_, i) => `${name}${i}`).find((one) => !taken.has(one))!;
    if (taken.has(node)) throw invalid(`there is a builder ${node} in ${name} already`);
    made.push({ name: node, ...endpoint });
  }
  if (o.bool('bootstrap')) {
    const lost = (await askBuilders(made, { signal: ctx.signal, environment: definedOf(ctx.env) })).find((s) => s.error !== undefined);
    if (lost) throw new SlipwayError('unavailable', 'fleet.unreachable', lost.error ?? '');
  }
  return made;
}

export const definedOf = (env: Context['env']): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined));

/** Paths count from the folder in which they were given. */
function tlsOf(ctx: Context, options: readonly string[]): BuilderEndpoint['tls'] {
  const tls: Record<string, string> = {};
  const names: Record<string, string> = { cacert: 'ca', cert: 'cert', key: 'key', servername: 'serverName' };
  for (const option of options.flatMap((text) => text.split(','))) {
    const [key = '', ...rest] = option.split('=');
    const name = names[key];
    const value = rest.join('=');
    if (name === undefined || value === '') throw invalid(`invalid driver option ${option}`, `there are ${Object.keys(names).join(', ')}`);
    tls[name] = key === 'servername' ? value : resolve(ctx.cwd, value);
  }
  if ((tls['cert'] === undefined) !== (tls['key'] === undefined)) throw invalid('a certificate needs its key, and a key its certificate');
  return Object.keys(tls).length === 0 ? undefined : tls;
}

function without(nodes: readonly BuilderNode[], name: string | undefined): BuilderNode[] {
  if (name === undefined) throw invalid('--leave needs --node');
  const left = nodes.filter((n) => n.name !== name);
  if (left.length === nodes.length) throw invalid(`there is no builder ${name} in the set`);
  return left;
}

export const builderRm: Command = {
  name: 'builder rm',
  summary: 'Forget sets of builders; the builders go on',
  usage: '[OPTIONS] [NAME...]',
  examples: ['slipway builder rm fleet', 'slipway builder rm --all-inactive --force'],
  args: { min: 0 },
  options: [
    { name: 'all-inactive', type: 'boolean', help: 'Forget every set of which no builder can be reached' },
    { name: 'force', short: 'f', type: 'boolean', help: 'Do not ask for confirmation' },
  ],
  async run(ctx, o, names) {
    const sets = new BuilderSets(ctx.env);
    if (names.includes(DEFAULT_BUILDER)) throw invalid('the builder default is this machine, and stays');
    if (!o.bool('all-inactive')) {
      for (const name of names.length > 0 ? names : [nameOf(sets.current)]) {
        sets.nodes(name);
        sets.remove(name);
        ctx.stdout.write(`${name} removed\n`);
      }
      return;
    }
    if (names.length > 0) throw invalid('names cannot be combined with --all-inactive');
    if (!(await confirmed(ctx, o, 'This will remove all builders that are not in running state.', ' '))) return;
    const { askBuilders } = await import('../../engine/index.ts');
    for (const name of sets.names) {
      const states = await askBuilders(sets.nodes(name), { signal: ctx.signal, environment: definedOf(ctx.env) });
      if (states.some((s) => s.error === undefined)) continue;
      sets.remove(name);
      ctx.stdout.write(`${name} removed\n`);
    }
  },
};
