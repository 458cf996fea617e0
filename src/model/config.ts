// The configuration of an image (OCI image-spec, config.md, with Docker's additions). Unknown fields are kept as they came,
// since the bytes of a config are its identity.
import type { Digest } from './digest.ts';
import { isDigest, supportedDigest } from './digest.ts';
import { SlipwayError } from './errors.ts';
import { asRecord, parseJson, type JsonRecord } from './json.ts';

/** Durations are nanoseconds; zero or missing means inherited. */
export interface Healthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export interface ContainerConfig {
  Hostname?: string;
  Domainname?: string;
  User?: string;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  ExposedPorts?: Record<string, Record<string, never>>;
  Tty?: boolean;
  OpenStdin?: boolean;
  StdinOnce?: boolean;
  Env?: string[];
  Cmd?: string[] | null;
  Healthcheck?: Healthcheck;
  ArgsEscaped?: boolean;
  Image?: string;
  Volumes?: Record<string, Record<string, never>> | null;
  WorkingDir?: string;
  Entrypoint?: string[] | null;
  NetworkDisabled?: boolean;
  OnBuild?: string[] | null;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  Shell?: string[];
}

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

export interface RootFs {
  type: 'layers';
  /** Bottom first. */
  diff_ids: Digest[];
}

export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
  created?: string;
  author?: string;
  config?: ContainerConfig;
  rootfs: RootFs;
  history?: HistoryEntry[];
  container?: string;
  container_config?: ContainerConfig;
  docker_version?: string;
  parent?: string;
  id?: string;
  comment?: string;
  [extra: string]: unknown;
}

const CODE = 'config.invalid';

/** What one overlay mount takes (Linux, OVL_MAX_STACK). */
export const MAX_LAYERS = 500;

/** Throws data-loss 'config.invalid', unsupported 'config.too-many-layers' and 'digest.unsupported'. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, CODE, 'image configuration');
  // An old Docker may have left these empty; Docker itself then takes the machine's, which is always linux here.
  for (const key of ['architecture', 'os']) {
    if (value[key] !== undefined && typeof value[key] !== 'string') throw invalid(`"${key}" is not a string`);
    value[key] ??= '';
  }
  const rootfs = asRecord(value['rootfs']);
  if (rootfs === undefined) throw invalid('"rootfs" is missing');
  if (rootfs['type'] !== 'layers') throw invalid(`root file system of type ${JSON.stringify(rootfs['type'])}`);
  const diffIds = rootfs['diff_ids'] ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((d) => typeof d === 'string' && isDigest(d)))
    throw invalid('"rootfs.diff_ids" is not a list of digests');
  diffIds.forEach((d: string) => supportedDigest(d));
  if (diffIds.length > MAX_LAYERS)
    throw new SlipwayError('unsupported', 'config.too-many-layers', `max depth exceeded: the image has ${diffIds.length} layers`, {
      hints: [`an image has at most ${MAX_LAYERS}`],
    });
  rootfs['diff_ids'] = diffIds;
  checkContainerConfig(value, 'config');
  if (value['history'] === null) delete value['history'];
  const history = value['history'];
  if (history !== undefined && !(Array.isArray(history) && history.every((h) => asRecord(h) !== undefined)))
    throw invalid('"history" is not a list of entries');
  return value as unknown as ImageConfig;
}

const STRINGS = ['User', 'WorkingDir', 'StopSignal', 'Hostname'];
const LISTS = ['Env', 'Cmd', 'Entrypoint', 'OnBuild', 'Shell'];
const MAPS = ['ExposedPorts', 'Volumes', 'Labels'];

function checkContainerConfig(parent: JsonRecord, field: string): void {
  if (parent[field] === null) delete parent[field];
  if (parent[field] === undefined) return;
  const config = asRecord(parent[field]);
  if (config === undefined) throw invalid(`"${field}" is not an object`);
  for (const key of STRINGS)
    if (present(config, key) && !isText(config[key])) throw invalid(`"${field}.${key}" is not a string without NUL`);
  for (const key of LISTS) {
    const list = config[key];
    if (present(config, key) && !(Array.isArray(list) && list.every(isText)))
      throw invalid(`"${field}.${key}" is not a list of strings without NUL`);
  }
  for (const key of MAPS)
    if (present(config, key) && asRecord(config[key]) === undefined) throw invalid(`"${field}.${key}" is not an object`);
  for (const [key, value] of Object.entries(asRecord(config['Labels']) ?? {}))
    if (typeof value !== 'string') throw invalid(`the label ${JSON.stringify(key.slice(0, 60))} is not a string`);
}

/** Strings become arguments, variables and paths of programs, which end at a NUL. */
const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');

function present(record: JsonRecord, key: string): boolean {
  return record[key] !== undefined && record[key] !== null;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('data-loss', CODE, `invalid image configuration: ${message}`);
}
