// What the user of this machine signs in to registries with.
import type { SessionCredentials } from '../../model/index.ts';

/**
 * Finds credentials in `config.json`, and in the helpers that it names.
 * @param settings the file, and the environment of helpers
 */
export function userCredentials(settings: {
  readonly config: string;
  readonly environment: Readonly<Record<string, string>>;
}): (host: string) => Promise<SessionCredentials | undefined> {
  return async (host) => {
    const { ConfigCredentials } = await import('../../registry/index.ts');
    return await new ConfigCredentials(settings.config, settings.environment).get(host);
  };
}
