// What the user of this machine signs in to registries with.
import type { SessionCredentials } from '../../model/index.ts';
import { once } from '../../util/index.ts';

/**
 * Finds credentials in `config.json`, and in the helpers that it names.
 * @param settings the file, and the environment of helpers; asked for when a registry is first signed in to
 */
export function userCredentials(
  settings: () => { readonly config: string; readonly environment: Readonly<Record<string, string>> },
): (host: string) => Promise<SessionCredentials | undefined> {
  const opened = once(async () => {
    const { config, environment } = settings();
    const { ConfigCredentials } = await import('../../registry/index.ts');
    return new ConfigCredentials(config, environment);
  });
  return async (host) => (await opened()).get(host);
}
