// How much archives from outside may become. What they declare costs their author nothing: it is measured against what really came.

let fixed: number | undefined;

/** Sets the bytes that any archive may unpack to, in place of what its own size allows. Once for each process. */
export function setUnpackLimit(bytes: number | undefined): void {
  fixed = bytes;
}

/** Bytes that `packed` bytes of an archive may unpack to: 100 times as many and a GiB. */
export const unpackLimit = (packed: number): number => fixed ?? packed * 100 + 2 ** 30;

/** Bytes of a path and of a name in it (PATH_MAX without its NUL, NAME_MAX): no file can be called longer. */
export const MAX_PATH = 4095;
export const MAX_NAME = 255;
