// The JSON of a request, read field by field: of the type that is wanted, or refused with a sentence that names the field. Names are found
// without regard to case, as Go's decoder does.
import { SlipwayError } from '../../model/index.ts';

export class Fields {
  readonly #path: string;
  readonly #values = new Map<string, unknown>();

  private constructor(path: string, value: Readonly<Record<string, unknown>>) {
    this.#path = path;
    for (const [name, one] of Object.entries(value)) this.#values.set(name.toLowerCase(), one);
  }

  /** @throws SlipwayError `api.json` when the value is no object */
  static of(value: unknown, path = ''): Fields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Fields(path, value as Record<string, unknown>);
    throw wrong(path || 'the body', 'an object');
  }

  /** As it came; undefined for null and for what is not there. */
  raw(name: string): unknown {
    return this.#values.get(name.toLowerCase()) ?? undefined;
  }

  text(name: string): string | undefined {
    return this.#typed(name, 'string', 'a string');
  }

  /** As `text`; undefined for an empty one. */
  word(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  flag(name: string): boolean | undefined {
    return this.#typed(name, 'boolean', 'true or false');
  }

  /** A whole number. */
  number(name: string): number | undefined {
    const value = this.#typed<number>(name, 'number', 'a number');
    if (value !== undefined && !Number.isSafeInteger(value)) throw wrong(this.#at(name), 'a whole number');
    return value;
  }

  /** As `number`; undefined for 0, which is Docker's word for nothing. */
  amount(name: string): number | undefined {
    return this.number(name) || undefined;
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : Fields.of(value, this.#at(name));
  }

  /** Strings; undefined when there is no list. */
  texts(name: string): string[] | undefined {
    return this.#list(name)?.map((one, i) => {
      if (typeof one === 'string') return one;
      throw wrong(`${this.#at(name)}[${i}]`, 'a string');
    });
  }

  objects(name: string): Fields[] {
    return (this.#list(name) ?? []).map((one, i) => Fields.of(one, `${this.#at(name)}[${i}]`));
  }

  /** An object whose values are strings. */
  pairs(name: string): Record<string, string> | undefined {
    return this.entries(name)?.reduce<Record<string, string>>((all, [key, value]) => {
      if (typeof value !== 'string') throw wrong(`${this.#at(name)}.${key}`, 'a string');
      // keys such as __proto__ are keys as all others
      return Object.defineProperty(all, key, { value, enumerable: true, writable: true, configurable: true });
    }, {});
  }

  /** The fields of an object, as they came. */
  entries(name: string): [string, unknown][] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(this.#at(name), 'an object');
    return Object.entries(value as object);
  }

  /** A field that may be a string or a list of them: a command line. */
  words(name: string): string[] | undefined {
    const value = this.raw(name);
    return typeof value === 'string' ? [value] : this.texts(name);
  }

  /** Refuses, with a sentence, what is given and cannot be honoured; nothing, zero and the like ask for nothing. */
  refuse(names: Readonly<Record<string, string>>): void {
    for (const [name, why] of Object.entries(names)) {
      if (!isNothing(this.raw(name)))
        throw new SlipwayError('invalid-argument', 'api.unsupported', `${this.#at(name)} is not supported: ${why}`);
    }
  }

  #list(name: string): unknown[] | undefined {
    const value = this.raw(name);
    if (value !== undefined && !Array.isArray(value)) throw wrong(this.#at(name), 'a list');
    return value;
  }

  #typed<T>(name: string, type: string, what: string): T | undefined {
    const value = this.raw(name);
    if (value !== undefined && typeof value !== type) throw wrong(this.#at(name), what);
    return value as T | undefined;
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function isNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isNothing);
  return value === undefined || value === null || value === '' || value === 0 || value === false;
}

function wrong(path: string, what: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'api.json', `invalid JSON: ${path} must be ${what}`);
}
