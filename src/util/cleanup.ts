// Cleaning up without hiding why the work failed: `finally` and `using` let an error of the cleanup take the place of the first one.

/** Awaits `work`, then every one of `cleanups` in order, whatever fails. Throws the first error. */
export async function withCleanup<T>(work: () => Promise<T>, ...cleanups: readonly (() => unknown)[]): Promise<T> {
  const errors: unknown[] = [];
  const kept = async <R>(step: () => R | Promise<R>): Promise<R | undefined> => {
    try {
      return await step();
    } catch (e) {
      errors.push(e);
      return undefined;
    }
  };
  const result = await kept(work);
  for (const cleanup of cleanups) await kept(cleanup);
  if (errors.length > 0) throw errors[0];
  return result as T;
}

/** As `withCleanup`, for what is synchronous. */
export function withCleanupSync<T>(work: () => T, ...cleanups: readonly (() => void)[]): T {
  const errors: unknown[] = [];
  const kept = <R>(step: () => R): R | undefined => {
    try {
      return step();
    } catch (e) {
      errors.push(e);
      return undefined;
    }
  };
  const result = kept(work);
  for (const cleanup of cleanups) kept(cleanup);
  if (errors.length > 0) throw errors[0];
  return result as T;
}

/** The error that came first, of one that was thrown while `using` cleaned up after it. */
export function firstError(e: unknown): unknown {
  let first = e;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}

/** Throws `error`, after all of `cleanups`, whose own errors count for nothing beside it. */
export function throwAfter(error: unknown, ...cleanups: readonly (() => void)[]): never {
  return withCleanupSync(
    (): never => {
      throw firstError(error);
    },
    ...cleanups,
  );
}
