// Values of templates: JSON, seen as Docker's own types would be. Go knows a struct from a map and what kind of nothing a field holds; JSON
// does not, so the names of fields say it here.

import { durationText } from '../../util/index.ts';

export type Value = unknown;

/** A field of Docker's types that holds nothing: how it is printed depends on its type. */
export class Nil {
  readonly printed: '[]' | 'map[]' | '<nil>';

  constructor(printed: Nil['printed']) {
    this.printed = printed;
  }
}

const SLICE = new Nil('[]');
const MAP = new Nil('map[]');
const POINTER = new Nil('<nil>');

/** Fields that are maps, whose keys are the user's. */
const MAPS: ReadonlySet<string> = new Set([
  'Labels',
  'Volumes',
  'ExposedPorts',
  'Ports',
  'PortBindings',
  'Networks',
  'Annotations',
  'Sysctls',
  'Tmpfs',
  'StorageOpt',
  'Options',
  'Data',
  'DriverOpts',
  'Containers',
]);
const POINTERS: ReadonlySet<string> = new Set([
  'OomKillDisable',
  'MemorySwappiness',
  'PidsLimit',
  'Init',
  'Health',
  'Healthcheck',
  'StopTimeout',
  'SizeRw',
  'SizeRootFs',
  'IPAMConfig',
  'UsageData',
]);
/** Lists that JSON leaves out when they are empty. */
const OPTIONAL_SLICES: ReadonlySet<string> = new Set(['Shell', 'Mounts', 'OnBuild', 'Devices', 'GroupAdd', 'Binds', 'Ulimits']);

/** Texts that JSON leaves out when they are empty. */
const OPTIONAL_TEXTS: ReadonlySet<string> = new Set(['StopSignal', 'Variant', 'OsVersion', 'MacAddress']);

/** Fields of a health check that are times, in the order of Docker's type. */
const HEALTH_FIELDS = ['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const;
const HEALTH_TIMES: ReadonlySet<string> = new Set(HEALTH_FIELDS.slice(1, 5));

const isHealthcheck = (object: Record<string, Value>): boolean => Object.hasOwn(object, 'Test') && Array.isArray(object['Test']);

/** Go's time.Duration: nanoseconds that are printed with their units. */
export class Duration {
  readonly nanoseconds: number;

  constructor(nanoseconds: number) {
    this.nanoseconds = nanoseconds;
  }

  toJSON(): number {
    return this.nanoseconds;
  }
}

const mapsSeen = new WeakSet<object>();

export const isObject = (v: Value): v is Record<string, Value> =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && !(v instanceof Nil) && !(v instanceof Duration);

/** Whether an object stands for a Go struct: its fields are capitalised, and it was not reached by the name of a map. */
export function isStruct(v: Record<string, Value>): boolean {
  if (mapsSeen.has(v)) return false;
  const keys = Object.keys(v);
  return keys.length > 0 && keys.every((k) => /^[A-Z]/.test(k));
}

/** A field of an object, or undefined when it has none of this name. */
export function fieldOf(object: Record<string, Value>, name: string): Value {
  // the one field whose name in Docker's types is not that of its JSON
  const key = name === 'ID' && !Object.hasOwn(object, name) ? 'Id' : name;
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (MAPS.has(name) && isObject(value)) mapsSeen.add(value);
  if (isHealthcheck(object)) {
    if (HEALTH_TIMES.has(name)) return new Duration(typeof value === 'number' ? value : 0);
    if (name === 'Retries') return value ?? 0;
  }
  if (value !== null && value !== undefined) return value;
  if (!isStruct(object)) return undefined;
  if (POINTERS.has(name)) return POINTER;
  if (MAPS.has(name)) return MAP;
  if (value === undefined && OPTIONAL_TEXTS.has(name)) return '';
  return value === null || OPTIONAL_SLICES.has(name) ? SLICE : undefined;
}

export const isEmpty = (v: Value): boolean =>
  v === undefined ||
  v === null ||
  v instanceof Nil ||
  v === false ||
  v === 0 ||
  (v instanceof Duration && v.nanoseconds === 0) ||
  v === '' ||
  (Array.isArray(v) ? v.length === 0 : isObject(v) && !isStruct(v) && Object.keys(v).length === 0);

/** The name of the Go type that a value has, for errors. */
export function typeOf(v: Value): string {
  if (v === undefined || v === null || v instanceof Nil) return 'nil';
  if (typeof v === 'string') return 'string';
  if (typeof v === 'boolean') return 'bool';
  if (v instanceof Duration) return 'time.Duration';
  if (typeof v === 'number') return Number.isInteger(v) ? 'int' : 'float64';
  if (Array.isArray(v)) return '[]interface {}';
  return 'map[string]interface {}';
}

/** Entries in the order of Go: maps by key, structs as they are. */
export const entriesOf = (v: Record<string, Value>): [string, Value][] => {
  const entries = Object.entries(v);
  return isStruct(v) ? entries : entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
};

/** A value as `%v` prints it. */
export function show(v: Value): string {
  if (v === undefined || v === null) return '<no value>';
  if (v instanceof Nil) return v.printed;
  if (v instanceof Duration) return durationText(v.nanoseconds);
  if (Array.isArray(v)) return `[${v.map(showInside).join(' ')}]`;
  if (isObject(v)) {
    if (isStruct(v)) return `{${(isHealthcheck(v) ? HEALTH_FIELDS : Object.keys(v)).map((k) => showInside(fieldOf(v, k))).join(' ')}}`;
    return `map[${entriesOf(v)
      .map(([k, x]) => `${k}:${showInMap(x)}`)
      .join(' ')}]`;
  }
  return typeof v === 'number' ? showNumber(v) : String(v as string | boolean);
}

const showInside = (v: Value): string => (v === null || v === undefined ? '<nil>' : show(v));

/** An empty object in a map is the empty struct of a set: volumes, exposed ports. */
const showInMap = (v: Value): string => (isObject(v) && Object.keys(v).length === 0 ? '{}' : showInside(v));

/** `%v` of a float: an exponent of at least two digits below 1e-4 and from 1e21 on. */
function showNumber(v: number): string {
  if (Number.isSafeInteger(v)) return String(v);
  const magnitude = Math.abs(v);
  const plain = magnitude === 0 || (magnitude >= 1e-4 && magnitude < 1e21) ? String(v) : v.toExponential();
  return plain.replace(/e([+-])(\d)$/, 'e$10$2');
}
