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
