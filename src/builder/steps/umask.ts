// Modes as they are asked for. The umask belongs to the whole process, so it is only lifted for work that yields to nobody.

/** Runs `fn`, which must be synchronous, with a umask of 0. */
export function withoutUmask<T>(fn: () => T): T {
  const umask = process.umask(0);
  try {
    return fn();
  } finally {
    process.umask(umask);
  }
}
