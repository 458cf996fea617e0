// What the user's config.json of Docker says about the command line itself: how lists are printed, which keys detach, which proxies builds and containers
// are given. What it says of registries is read with them (registries.ts).
import { join } from 'node:path';
import { homedir } from 'node:os';
import { SlipwayError } from '../model/index.ts';
import { readRegularFile } from '../sys/index.ts';
import type { Context, ParsedOptions } from './command.ts';

type ListFormat = 'psFormat' | 'imagesFormat' | 'volumesFormat' | 'networksFormat' | 'statsFormat';

interface ProxySettings {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
  readonly ftpProxy?: string;
  readonly allProxy?: string;
}

export interface UserConfig extends Readonly<Partial<Record<ListFormat, string>>> {
  readonly detachKeys?: string;
  readonly proxies?: Readonly<Record<string, ProxySettings>>;
}

/** The file, or nothing when there is none. @throws SlipwayError `cli.config` */
function userConfig(env: Context['env']): UserConfig {
  const path = join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json');
  let text: string;
  try {
    text = readRegularFile(path).toString();
  } catch (e) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((e as NodeJS.ErrnoException).code ?? '')) return {};
    throw e;
  }
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // reported below
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new SlipwayError('invalid-argument', 'cli.config', `${path} is not a JSON object`);
}

/** The keys that leave a container to itself; empty when it does not say. */
export function configuredDetachKeys(env: Context['env']): string {
  const keys: unknown = userConfig(env).detachKeys;
  return typeof keys === 'string' ? keys : '';
}

/** `--format`, or else what the user's configuration says for this list. */
export function listFormat(ctx: Context, name: ListFormat, o: ParsedOptions): string | undefined {
  if (o.has('format')) return o.string('format');
  const format: unknown = userConfig(ctx.env)[name];
  return typeof format === 'string' && format !== '' ? format : undefined;
}

const VARIABLES: readonly (readonly [keyof ProxySettings, string])[] = [
  ['httpProxy', 'HTTP_PROXY'],
  ['httpsProxy', 'HTTPS_PROXY'],
  ['noProxy', 'NO_PROXY'],
  ['ftpProxy', 'FTP_PROXY'],
  ['allProxy', 'ALL_PROXY'],
];

/** The proxies that containers and builds are given, by both names of each variable. */
export function configuredProxies(env: Context['env']): Record<string, string> {
  const settings = userConfig(env).proxies?.['default'];
  if (typeof settings !== 'object' || settings === null) return {};
  return Object.fromEntries(
    VARIABLES.flatMap(([field, name]) => {
      const value: unknown = settings[field];
      return typeof value === 'string' && value !== ''
        ? [
            [name, value],
            [name.toLowerCase(), value],
          ]
        : [];
    }),
  );
}
