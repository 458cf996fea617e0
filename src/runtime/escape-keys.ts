// The keys that detach somebody from a terminal, found in what they type.

/** Ctrl-P Ctrl-Q, as in Docker. */
const DETACH_KEYS: readonly number[] = [16, 17];

export class EscapeKeys {
  readonly #keys: readonly number[];
  /** What was typed and may be the beginning of the keys: held back until it is clear. */
  readonly #held: number[] = [];

  /** `keys`: bytes, at least one. */
  constructor(keys: readonly number[] = DETACH_KEYS) {
    this.#keys = keys;
  }

  /** What is to be passed on; once all keys were typed, nothing after them is. */
  feed(data: Uint8Array): { readonly pass: Buffer; readonly escaped: boolean } {
    const pass: number[] = [];
    for (const byte of data) {
      this.#held.push(byte);
      while (this.#held.some((one, i) => one !== this.#keys[i])) pass.push(this.#held.shift()!);
      if (this.#held.length === this.#keys.length) return { pass: Buffer.from(pass), escaped: true };
    }
    return { pass: Buffer.from(pass), escaped: false };
  }
}

/** From 0: Ctrl-@, Ctrl-A to Ctrl-Z, and what follows in ASCII. */
const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/** Keys by commas, each a character or `ctrl-` with a letter or one of `@[\]^_`, as bytes; or the first that is no key. */
export function parseKeys(text: string): { readonly keys: readonly number[] } | { readonly unknown: string } {
  const keys: number[] = [];
  for (const key of text.split(',')) {
    const control = /^ctrl-(.)$/i.exec(key)?.[1];
    const code = /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : control === undefined ? -1 : CONTROL.indexOf(control.toLowerCase());
    if (code < 0) return { unknown: key };
    keys.push(code);
  }
  return { keys };
}
