// How much archives from outside may become. What they declare costs their author nothing: it is measured against what really came.

let fixed: number | undefined;

/** Sets the bytes that any archive may unpack to, in place of what its own size allows. Once for each process. */
export function setUnpackLimit(bytes: number | undefined): void {
  fixed = bytes;
}

/** Bytes that `packed` bytes of an archive may unpack to: 100 times as many and a GiB. */
export const unpackLimit = (packed: number): number => fixed ?? packed * 100 + 2 ** 30;
