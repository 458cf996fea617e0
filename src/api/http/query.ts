// The query of a request, read as dockerd reads it: truths, numbers, times and filters.
import { SlipwayError } from '../../model/index.ts';
import { parseDuration, parseTruth } from '../../util/index.ts';

export class Query {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Everything but nothing, 0, no, false and none is true. */
  flag(name: string, usual = false): boolean {
    const value = this.#values.get(name);
    if (value === null) return usual;
    return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[-+]?\d{1,15}$/.test(text)) return Number(text);
    throw invalid(`invalid value for ${name}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }

  /** JSON that a parameter holds. */
  json(name: string): unknown {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw invalid(`invalid JSON in ${name}`);
    }
  }

  /** As `time`; `0` is no time. */
  moment(name: string): number | undefined {
    return this.text(name) === '0' ? undefined : this.time(name);
  }

  /** Seconds since the epoch with a fraction, or a date; in ms. */
  time(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : momentOf(text, name);
  }

  /**
   * `filters`: `{"label":{"a=b":true}}`, or as it was before 1.22 `{"label":["a=b"]}`.
   * @throws SlipwayError `api.filter` for what is no filter, and for a key that is not among `allowed`
   */
  filters(allowed: ReadonlySet<string>): Map<string, string[]> {
    const found = new Map<string, string[]>();
    const text = this.text('filters');
    if (text === undefined) return found;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw filterError('invalid filter');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw filterError('invalid filter');
    for (const [key, values] of Object.entries(value)) {
      if (!allowed.has(key)) throw filterError(`invalid filter '${key}'`);
      found.set(key, filterValues(values));
    }
    return found;
  }
}

function filterValues(values: unknown): string[] {
  if (Array.isArray(values)) {
    if (values.every((one) => typeof one === 'string')) return values;
  } else if (typeof values === 'object' && values !== null) {
    const entries = Object.entries(values);
    if (entries.every(([, on]) => typeof on === 'boolean')) return entries.filter(([, on]) => on).map(([one]) => one);
  }
  throw filterError('invalid filter');
}

/** In ms since the epoch. @throws SlipwayError `api.query` */
function momentOf(text: string, name: string): number {
  const at = /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw invalid(`invalid value for ${name}: ${JSON.stringify(text)} is no time`);
}

/** The time of the filter `until`: a time, or how long ago. In ms since the epoch. */
export function untilOf(filters: ReadonlyMap<string, readonly string[]>, now: number): { readonly until?: number } {
  const values = filters.get('until') ?? [];
  if (values.length > 1) throw filterError('more than one until filter specified');
  const [text] = values;
  if (text === undefined) return {};
  const span = parseDuration(text);
  return { until: span === undefined ? momentOf(text, 'until') : now - span / 1e6 };
}

/** What a filter that is true or false says. @throws SlipwayError `api.filter` */
export function truthOf(filters: ReadonlyMap<string, readonly string[]>, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined) return undefined;
  const truths = new Set(values.map(parseTruth));
  const [truth] = truths;
  if (truths.size === 1 && truth !== undefined) return truth;
  throw filterError(`invalid filter '${key}=[${values.join(' ')}]'`);
}

const filterError = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.filter', message);
const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.query', message);
