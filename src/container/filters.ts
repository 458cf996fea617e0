// `ps --filter`: which containers of a list are meant. Pure, with Docker's keys.
import { SlipwayError } from '../model/index.ts';
import { stateText } from './status.ts';
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
  volume: (c, v) => c.mounts.some((m) => m.name === v || m.destination === v),
  network: (c, v) => c.request.network === v,
  publish: (c, v) => (c.network?.ports ?? []).some((p) => `${p.hostPort}/${p.protocol}` === port(v)),
  expose: (c, v) => c.exposed.includes(port(v)),
  before: (c, v, all) => c.createdAt < created(v, all),
  since: (c, v, all) => c.createdAt > created(v, all),
};

const STATES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];

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
    if (key === 'status' && !STATES.includes(value)) throw invalid(`invalid filter 'status=${value}'`, [`states are ${STATES.join(', ')}`]);
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

function port(value: string): string {
  return value.includes('/') ? value.toLowerCase() : `${value}/tcp`;
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
