// Sets of builders elsewhere that a user has named: `builders.json` beside the user's other settings.
//
// { "current": "fleet", "builders": { "fleet": { "nodes": [{ "name": "fleet0", "address": "tcp://a:1234", "tls": { "ca": "/etc/ca.pem" } }] } } }
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuilderEndpoint, SlipwayError } from '../model/index.ts';
import { readRegularFile, writeFileAtomic } from '../sys/index.ts';

/** This machine. */
export const DEFAULT_BUILDER = 'default';

export interface BuilderNode extends BuilderEndpoint {
  readonly name: string;
}

interface Saved {
  readonly current?: string;
  readonly builders: Readonly<Record<string, { readonly nodes: readonly BuilderNode[] }>>;
}

export class BuilderSets {
  readonly #path: string;
  #saved: Saved;

  /** @throws SlipwayError `cli.builders` for a file that cannot be read */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#path = join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'slipway', 'builders.json');
    this.#saved = read(this.#path);
  }

  get names(): string[] {
    return Object.keys(this.#saved.builders).sort();
  }

  /** The set that builds use which name none; `default` for this machine. */
  get current(): string {
    const { current } = this.#saved;
    return current !== undefined && this.has(current) ? current : DEFAULT_BUILDER;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#saved.builders, name);
  }

  /** @throws SlipwayError not-found `cli.no-builder` */
  nodes(name: string): readonly BuilderNode[] {
    const found = this.has(name) ? this.#saved.builders[name] : undefined;
    if (found) return found.nodes;
    throw new SlipwayError('not-found', 'cli.no-builder', `no builder ${JSON.stringify(name)} found`, {
      hints: ['slipway builder ls lists them: default is this machine, slipway builder create names others'],
    });
  }

  set(name: string, nodes: readonly BuilderNode[]): void {
    this.#write({ ...this.#saved, builders: { ...this.#saved.builders, [name]: { nodes } } });
  }

  remove(name: string): void {
    const { [name]: _, ...builders } = this.#saved.builders;
    this.#write({ ...this.#saved, builders });
  }

  /** @throws SlipwayError not-found `cli.no-builder` */
  use(name: string): void {
    if (name !== DEFAULT_BUILDER) this.nodes(name);
    this.#write({ ...this.#saved, current: name });
  }

  #write(saved: Saved): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    writeFileAtomic(this.#path, `${JSON.stringify(saved, undefined, 2)}\n`);
    this.#saved = saved;
  }
}

function read(path: string): Saved {
  let text: string;
  try {
    text = readRegularFile(path).toString();
  } catch (e) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((e as NodeJS.ErrnoException).code ?? '')) return { builders: {} };
    throw e;
  }
  try {
    const value = JSON.parse(text) as Partial<Saved>;
    const sets = Object.values(value.builders ?? {});
    if (sets.every((set) => Array.isArray(set.nodes) && set.nodes.every((n: Partial<BuilderNode>) => typeof n.address === 'string')))
      return { builders: {}, ...value };
  } catch {
    // reported below
  }
  throw new SlipwayError('invalid-argument', 'cli.builders', `${path} holds no sets of builders`, {
    hints: ['remove it, and create them again: slipway builder create'],
  });
}

/**
 * The builders that a build is to use: of `--builder`, of SLIPWAY_BUILDERS, or of the set that `builder use` chose; none for this machine.
 *
 * @param text a name, or addresses
 * @throws SlipwayError not-found `cli.no-builder`
 */
export function buildersOf(text: string | undefined, env: Readonly<Record<string, string | undefined>>): readonly BuilderEndpoint[] {
  const given = text || env['SLIPWAY_BUILDERS'] || '';
  if (given.includes('://')) {
    const tls = certificatesIn(env['SLIPWAY_BUILDER_CERTS']);
    return given
      .split(',')
      .filter((address) => address !== '')
      .map((address) => ({ address, ...(/^(?:tcp|dns):/i.test(address) && tls && { tls }) }));
  }
  if (given === DEFAULT_BUILDER) return [];
  const sets = new BuilderSets(env);
  const name = given || sets.current;
  return name === DEFAULT_BUILDER ? [] : sets.nodes(name).map(({ address, tls }) => ({ address, ...(tls && { tls }) }));
}

const certificatesIn = (folder: string | undefined): BuilderEndpoint['tls'] =>
  folder ? { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') } : undefined;
