// A stream whose sender has to keep going. A limit on silence alone lets one that sends a byte a minute hold a command for ever.

export interface Pace {
  /** ms of waiting for the sender; the time that the reader takes does not count. */
  readonly window: number;
  /** Bytes that must come in each. */
  readonly least: number;
}

/** Less than the slowest modem. */
const PACE: Pace = { window: 60_000, least: 4096 };

/** The chunks of `source`. Throws `tooSlow()` when fewer bytes come than the pace wants; a source that sends nothing at all is waited for. */
export async function* paced<T extends Uint8Array>(
  source: AsyncIterable<T>,
  tooSlow: () => Error,
  pace: Pace = PACE,
  now: () => number = () => performance.now(),
): AsyncGenerator<T> {
  let waited = 0;
  let bytes = 0;
  let from = now();
  for await (const chunk of source) {
    waited += now() - from;
    bytes += chunk.length;
    if (waited >= pace.window) {
      if (bytes < pace.least) throw tooSlow();
      waited = 0;
      bytes = 0;
    }
    yield chunk;
    from = now();
  }
}
