// Tries a program again that failed, on the files that it began with: what it left half done is gone.
import { isSlipwayError } from '../../model/index.ts';

/**
 * @param retries how often after the first time
 * @param report gets a line for each attempt that failed and is followed by another
 * @throws what the last attempt throws; at once, what is no failure of the command
 */
export async function retrying<T>(retries: number, run: () => Promise<T>, signal: AbortSignal, report: (text: string) => void): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (e) {
      signal.throwIfAborted();
      if (attempt > retries || !isSlipwayError(e) || e.code !== 'build.command-failed') throw e;
      report(`attempt ${attempt} of ${retries + 1} failed: ${e.message}\n`);
    }
  }
}
