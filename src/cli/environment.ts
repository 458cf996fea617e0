// The words and the environment that the caller gave. The launcher sets aside what would configure Node itself; this puts it back for the programs and
// containers that Slipway starts.

/** Variables that the launcher sets for Slipway's own Node. */
const OWN = ['NODE_COMPILE_CACHE', 'NODE_USE_ENV_PROXY', 'SLIPWAY_LAUNCHER', 'SLIPWAY_OUTER'] as const;

/** Makes `env` what the caller's environment was, in place: child processes inherit it. */
export function restoreCallersEnvironment(env: NodeJS.ProcessEnv): void {
  const outer = env['SLIPWAY_OUTER']?.trim().split(' ') ?? [];
  for (const name of OWN) delete env[name];
  for (const name of outer) {
    const aside = `SLIPWAY_OUTER_${name}`;
    env[name] = env[aside];
    delete env[aside];
  }
}

/** The caller's words: the launcher puts a colon before those that Node would take for its own wherever they stand. */
export const callersWords = (words: readonly string[]): string[] =>
  words.map((word) => (/--experimental-.*config-file/s.test(word) && word.startsWith(':') ? word.slice(1) : word));
