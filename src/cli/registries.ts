// How registries are set up for this user: Slipway's own files, what Docker's daemon is told, and the environment.
//
// registries.json: { "docker.io": { "mirrors": ["https://mirror.example"] }, "10.0.0.5:5000": { "insecure": true } }
import { join } from 'node:path';
import type { EngineOptions } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { readRegularFile } from '../sys/index.ts';
import { parseBytes } from '../util/index.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Setup = NonNullable<EngineOptions['registries']>;
type Hosts = Record<string, { mirrors?: readonly string[]; insecure?: boolean }>;

/** Settings of the machine first, then the user's, which go before them. */
export function registrySettings(env: Env, home: string): Setup {
  const own = env['XDG_CONFIG_HOME'] || join(home, '.config');
  const hosts: Hosts = {
    ...ofDaemon('/etc/docker/daemon.json'),
    ...ofFile('/etc/slipway/registries.json'),
    ...ofFile(env['SLIPWAY_REGISTRIES'] || join(own, 'slipway', 'registries.json')),
  };
  const limit = env['SLIPWAY_LAYER_LIMIT'];
  const layerLimit = limit ? parseBytes(limit) : undefined;
  if (limit && layerLimit === undefined)
    throw new SlipwayError('invalid-argument', 'env.layer-limit', `SLIPWAY_LAYER_LIMIT is a size such as 20g, not ${limit}`);
  return {
    settings: { hosts, certificates: ['/etc/docker/certs.d', join(own, 'docker', 'certs.d')], environment: proxies(env) },
    config: join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
    environment: Object.fromEntries(Object.entries(env).filter((e): e is [string, string] => e[1] !== undefined)),
    ...(layerLimit !== undefined && { layerLimit }),
  };
}

/** How large the build cache may become: SLIPWAY_CACHE_LIMIT, or what Docker's daemon is told (builder.gc.defaultKeepStorage). */
export function cacheLimit(env: Env): { cacheLimit?: number } {
  const { builder } = read('/etc/docker/daemon.json') as { builder?: { gc?: { defaultKeepStorage?: unknown } } };
  const text = env['SLIPWAY_CACHE_LIMIT'] || builder?.gc?.defaultKeepStorage;
  if (text === undefined) return {};
  const bytes = parseBytes(String(text));
  if (bytes === undefined)
    throw new SlipwayError(
      'invalid-argument',
      'env.cache-limit',
      `the limit of the build cache is a size such as 20g, not ${String(text)}`,
    );
  return { cacheLimit: bytes };
}

/** What programs need to find their way out. */
export function proxies(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((e): e is [string, string] => /^(?:https?|ftp|no|all)_proxy$/i.test(e[0]) && e[1] !== undefined),
  );
}

function ofFile(path: string): Hosts {
  const value = read(path);
  for (const [host, settings] of Object.entries(value)) {
    const { mirrors, insecure, ...others } = (typeof settings === 'object' && settings !== null ? settings : { wrong: 1 }) as Record<
      string,
      unknown
    >;
    const wrong = [
      ...Object.keys(others),
      ...(mirrors !== undefined && !(Array.isArray(mirrors) && mirrors.every((m) => typeof m === 'string')) ? ['mirrors'] : []),
      ...(insecure !== undefined && typeof insecure !== 'boolean' ? ['insecure'] : []),
    ];
    if (wrong.length === 0) continue;
    throw new SlipwayError('invalid-argument', 'registries.setting', `${path}: ${host} has settings that are none: ${wrong.join(', ')}`, {
      hints: ['a host has "mirrors": ["https://…"] and "insecure": true or false'],
    });
  }
  return value as Hosts;
}

/** What people have told Docker's daemon holds here too. */
function ofDaemon(path: string): Hosts {
  const { 'registry-mirrors': mirrors, 'insecure-registries': insecure } = read(path);
  const hosts: Hosts = {};
  if (Array.isArray(mirrors) && mirrors.length > 0) hosts['docker.io'] = { mirrors: mirrors.map(String) };
  if (Array.isArray(insecure)) for (const host of insecure.map(String)) hosts[host] = { ...hosts[host], insecure: true };
  return hosts;
}

function read(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readRegularFile(path).toString();
  } catch (e) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((e as NodeJS.ErrnoException).code ?? '')) return {};
    throw e;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new SlipwayError('invalid-argument', 'registries.file', `${path} is no JSON object`);
}
