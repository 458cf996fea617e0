// RUN --mount: its options, their defaults, and the errors of each.
import type { SourceRange } from '../../model/index.ts';
import { parseBytes } from '../../util/index.ts';
import { quote } from '../chars.ts';
import { parseCsvRecord } from '../csv.ts';
import { LanguageFault } from '../errors.ts';
import { baseName, cleanPath } from '../paths.ts';
import { didYouMean } from '../suggest.ts';

/** A `--mount` flag as written: the text after `--mount=`. */
export interface RunMountSpec {
  readonly text: string;
  /** The value of `from=`, which takes no variables. Known before expansion so that the stages' graph can be drawn. */
  readonly from?: string;
  readonly range: SourceRange;
}

/** A mount with its variables replaced and its defaults filled in. Paths are as written, not yet made absolute. */
export type RunMount =
  | { readonly type: 'bind'; readonly from?: string; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | {
      readonly type: 'cache';
      readonly from?: string;
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** Defaults to the target. */
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly readOnly: boolean; /** Bytes. */ readonly size?: number }
  | {
      readonly type: 'secret';
      readonly id: string;
      /** Absent when only an environment variable is wanted. */
      readonly target?: string;
      readonly env?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | {
      readonly type: 'ssh';
      readonly id: string;
      readonly target?: string;
      readonly required: boolean;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    };

/** All keys of `--mount`, with their other names. */
export const MOUNT_KEYS: readonly string[] = [
  'type',
  'from',
  'source',
  'target',
  'readonly',
  'id',
  'sharing',
  'required',
  'size',
  'mode',
  'uid',
  'gid',
  'src',
  'dst',
  'destination',
  'ro',
  'rw',
  'readwrite',
  'env',
];
const TYPES: ReadonlySet<string> = new Set(['bind', 'cache', 'tmpfs', 'secret', 'ssh']);
const SHARING: ReadonlySet<string> = new Set(['shared', 'private', 'locked']);

function fault(message: string): never {
  throw new LanguageFault('run-mount', message);
}

/** Takes the value of a `--mount` flag as far as this is possible before variables are known. `variables`: they may stand in `from`. */
export function parseMountSpec(text: string, range: SourceRange, { variables = false } = {}): RunMountSpec {
  let from: string | undefined;
  for (const field of parseCsvRecord(text)) {
    const equals = field.indexOf('=');
    if (equals < 0 || field.slice(0, equals).toLowerCase() !== 'from') continue;
    from = field.slice(equals + 1);
    if (!variables && /\$./.test(from)) fault("'from' doesn't support variable expansion, define alias stage instead");
  }
  return from === undefined || from === '' ? { text, range } : { text, from, range };
}

interface Draft {
  type: string;
  from: string;
  source: string;
  target: string;
  id: string;
  sharing: string;
  env?: string;
  readOnly?: boolean;
  required: boolean;
  size?: number;
  mode?: number;
  uid?: number;
  gid?: number;
}

/**
 * Reads a mount's options with `expand` applied to their values.
 * @throws LanguageFault in the words of the reference implementation
 */
export function expandMountSpec(spec: RunMountSpec, expand: (word: string) => string): RunMount {
  const draft: Draft = { type: 'bind', from: '', source: '', target: '', id: '', sharing: '', required: false };
  for (const field of parseCsvRecord(spec.text)) {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    if (equals >= 0) setOption(draft, key, field, expand(field.slice(equals + 1)));
    else if (key === 'readonly' || key === 'ro') draft.readOnly = true;
    else if (key === 'readwrite' || key === 'rw') draft.readOnly = false;
    else if (key === 'required') {
      requireType(draft, key, ['secret', 'ssh']);
      draft.required = true;
    } else fault(`invalid field '${field}' must be a key=value pair`);
  }
  return finish(draft);
}

function requireType(draft: Draft, key: string, types: readonly string[]): void {
  if (!types.includes(draft.type)) fault(`unexpected key '${key}' for mount type '${draft.type}'`);
}

function setOption(draft: Draft, key: string, field: string, value: string): void {
  switch (key) {
    case 'type':
      if (!TYPES.has(value.toLowerCase())) fault(`unsupported mount type ${quote(value)}${didYouMean(value, TYPES, true)}`);
      draft.type = value.toLowerCase();
      return;
    case 'from':
      draft.from = value;
      return;
    case 'source':
    case 'src':
      draft.source = value;
      return;
    case 'target':
    case 'dst':
    case 'destination':
      draft.target = value;
      return;
    case 'readonly':
    case 'ro':
      draft.readOnly = parseBoolean(key, value);
      return;
    case 'readwrite':
    case 'rw':
      draft.readOnly = !parseBoolean(key, value);
      return;
    case 'required':
      requireType(draft, key, ['secret', 'ssh']);
      draft.required = parseBoolean(key, value);
      return;
    case 'size': {
      requireType(draft, key, ['tmpfs']);
      const size = parseBytes(value);
      if (size === undefined) fault(`invalid value for ${key}: ${value}`);
      draft.size = size;
      return;
    }
    case 'id':
      draft.id = value;
      return;
    case 'sharing':
      draft.sharing = value.toLowerCase();
      if (!SHARING.has(draft.sharing)) fault(`unsupported sharing value ${quote(value)}${didYouMean(value, SHARING, true)}`);
      return;
    case 'mode':
      draft.mode = parseUnsigned(value, 8) ?? fault(`invalid value ${value} for mode`);
      return;
    case 'uid':
    case 'gid':
      draft[key] = parseUnsigned(value, 10) ?? fault(`invalid value ${value} for ${key}`);
      return;
    case 'env':
      draft.env = value;
      return;
    default:
      fault(`unexpected key '${key}' in '${field}'${didYouMean(key, MOUNT_KEYS, true)}`);
  }
}

function parseBoolean(key: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  fault(`invalid value for ${key}: ${value}`);
}

function parseUnsigned(value: string, base: 8 | 10): number | undefined {
  if (!(base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value)) return undefined;
  const number = Number.parseInt(value, base);
  return number <= 0xffffffff ? number : undefined;
}

/** Owner and mode of what is mounted: only where the mount makes something. */
function fileInfo({ mode, uid, gid }: Draft): { mode?: number; uid?: number; gid?: number } {
  return { ...(mode === undefined ? {} : { mode }), ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

function finish(draft: Draft): RunMount {
  const { type, source, target, id } = draft;
  const from = draft.from === '' ? {} : { from: draft.from };
  if (type === 'bind' || type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const)
      if (draft[key] !== undefined) fault(`${key} not allowed for ${quote(type)} type mounts`);
  }
  if (draft.sharing !== '' && type === 'secret') fault('secret mount should not define sharing');
  if (draft.sharing !== '' && type !== 'cache') fault(`invalid cache sharing set for ${type} mount`);
  switch (type) {
    case 'cache': {
      const sharing = draft.sharing === 'private' || draft.sharing === 'locked' ? draft.sharing : 'shared';
      return {
        type,
        ...from,
        source,
        target,
        readOnly: draft.readOnly ?? false,
        id: id === '' ? cleanPath(target) : id,
        sharing,
        ...fileInfo(draft),
      };
    }
    case 'tmpfs':
      // there is nothing in it yet
      if (cleanPath(`/${source}`) !== '/') fault(`open ${cleanPath(`/${source}`)}: no such file or directory`);
      return { type, target, readOnly: draft.readOnly ?? false, ...(draft.size === undefined ? {} : { size: draft.size }) };
    case 'secret':
      return finishSecret(draft);
    case 'ssh':
      if (source !== '') fault('ssh does not support source');
      return { type, id: id === '' ? 'default' : id, ...(target === '' ? {} : { target }), required: draft.required, ...fileInfo(draft) };
    default:
      return { type: 'bind', ...from, source, target, readOnly: draft.readOnly ?? true };
  }
}

function finishSecret(draft: Draft): RunMount {
  const { source, target, env } = draft;
  if (draft.from !== '') fault('secret mount should not have a from');
  if (source === '' && target === '' && draft.id === '') fault('invalid secret mount. one of source, target required');
  if (source !== '' && draft.id !== '') fault("both source and id can't be set");
  const id = source || draft.id || baseName(target);
  const place = target === '' && env === undefined ? `/run/secrets/${baseName(id)}` : target;
  return {
    type: 'secret',
    id,
    ...(place === '' ? {} : { target: place }),
    ...(env === undefined ? {} : { env }),
    required: draft.required,
    ...fileInfo(draft),
  };
}
