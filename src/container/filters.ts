// `ps --filter`: which containers of a list are meant. Pure, with Docker's keys.
import { SlipwayError } from '../model/index.ts';
import { parseTruth } from '../util/index.ts';
import { stateText } from './status.ts';
import { networkNames } from './endpoints.ts';
import type { Container } from './types.ts';

type Test = (c: Container, value: string, all: readonly Container[]) => boolean;

const TESTS: Readonly<Record<string, Test>> = {
  id: (c, v) => c.id.startsWith(v),
  name: (c, v) => pattern(v).test(c.name) || pattern(v).test(`/${c.name}`),
  label: (c, v) => {
    const eq = v.indexOf('=');
    return eq < 0 ? c.labels[v] !== undefined : c.labels[v.slice(0, eq)] === v.slice(eq + 1);
  },
  status: (c, v) => stateText(c) === v,
  exited: (c, v) => c.state.status === 'exited' && c.state.exitCode === Number(v),
  ancestor: (c, v) =>
    c.imageName === v ||
    c.imageName === `${v}:latest` ||
    `${c.imageName}:latest` === v ||
    c.imageId.startsWith(v) ||
    c.imageId.slice('sha256:'.length).startsWith(v),
  volume: (c, v) => c.mounts.some((m) => m.name === v || m.destination === v || (m.type === 'bind' && m.source === v)),
  network: (c, v) => networkNames(c).includes(v),
  publish: (c, v) => within(ports('publish', v), c.network?.ports.map((p) => [p.hostPort, p.protocol]) ?? []),
  expose: (c, v) =>
    within(
      ports('expose', v),
      c.exposed.map((one) => [Number.parseInt(one, 10), one.split('/')[1] ?? 'tcp']),
    ),
  health: (c, v) => (c.state.health?.status ?? 'none') === v,
  // one machine has no tasks of a swarm, and Linux one kind of isolation
  'is-task': (_, v) => !truth('is-task', v),
  isolation: (_, v) => v === '' || v === 'default',
  before: (c, v, all) => c.createdAt < created(v, all),
  since: (c, v, all) => c.createdAt > created(v, all),
};

/** Filters whose values are a few words. */
const WORDS: Readonly<Record<string, { readonly name: string; readonly words: readonly string[] }>> = {
  status: { name: 'state', words: ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] },
  health: { name: 'health', words: ['none', 'starting', 'healthy', 'unhealthy'] },
};

/**
 * `filters` as `key=value`. Those with the same key are alternatives, except for labels; different keys must all hold.
 * Throws invalid-argument 'container.invalid-filter'.
 */
export function filterContainers(all: readonly Container[], filters: readonly string[]): Container[] {
  const byKey = new Map<string, string[]>();
  for (const f of filters) {
    const eq = f.indexOf('=');
    if (eq <= 0) throw malformed(f);
    const [key, value] = [f.slice(0, eq), f.slice(eq + 1)];
    if (TESTS[key] === undefined) throw invalid(`invalid filter '${key}'`, [`filters are ${Object.keys(TESTS).join(', ')}`]);
    checkValue(key, value);
    byKey.set(key, [...(byKey.get(key) ?? []), value]);
  }
  return all.filter((c) =>
    [...byKey].every(([key, values]) =>
      key === 'label' ? values.every((v) => TESTS[key]!(c, v, all)) : values.some((v) => TESTS[key]!(c, v, all)),
    ),
  );
}

function pattern(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw invalid(`invalid filter 'name=${value}': it is no regular expression`);
  }
}

/** @throws SlipwayError `container.invalid-filter` also where no container is there to be looked at */
function checkValue(key: string, value: string): void {
  const one = WORDS[key];
  if (one !== undefined && !one.words.includes(value))
    throw invalid(`invalid filter '${key}=${value}': invalid value for ${one.name} (${value}): must be one of ${one.words.join(', ')}`);
  if (key === 'exited' && !/^[-+]?\d+$/.test(value))
    throw invalid(`invalid filter 'exited=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  if (key === 'name') pattern(value);
  if (key === 'is-task') truth(key, value);
  if (key === 'publish' || key === 'expose') ports(key, value);
}

function truth(key: string, value: string): boolean {
  const found = parseTruth(value);
  if (found === undefined) throw invalid(`invalid filter '${key}=[${value}]'`);
  return found;
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** `80`, `80/udp`, `80-90/tcp`. */
function ports(key: string, value: string): PortRange {
  const [, first, last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(value) ?? [];
  if (first === undefined || Number(last) < Number(first) || Number(last) > 65_535)
    throw invalid(`error while looking up for ${key} ${value}: strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`, [
      'a port is 80, 80/udp or 80-90/tcp',
    ]);
  return { first: Number(first), last: Number(last), protocol: protocol.toLowerCase() };
}

function within({ first, last, protocol }: PortRange, some: readonly (readonly [port: number, protocol: string])[]): boolean {
  return some.some(([port, of]) => port >= first && port <= last && of === protocol);
}

function created(word: string, all: readonly Container[]): number {
  const found = all.find((c) => c.name === word || c.id.startsWith(word));
  if (found === undefined) throw new SlipwayError('not-found', 'container.not-found', `No such container: ${word}`);
  return found.createdAt;
}

function malformed(filter: string): SlipwayError {
  const message = `invalid argument ${JSON.stringify(filter)} for "-f, --filter" flag: bad format of filter (expected name=value)`;
  return new SlipwayError('invalid-argument', 'container.invalid-filter', message, { exitCode: 125 });
}

function invalid(message: string, hints: readonly string[] = []): SlipwayError {
  return new SlipwayError('invalid-argument', 'container.invalid-filter', message, { hints });
}
