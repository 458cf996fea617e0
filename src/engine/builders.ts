// What builders elsewhere say of themselves, for lists of them.
import { type BuilderEndpoint, isSlipwayError } from '../model/index.ts';

export interface BuilderState {
  readonly address: string;
  /** Why it cannot be reached; undefined for one that answers. */
  readonly error?: string;
  readonly version?: string;
  readonly platforms: readonly string[];
}

/** @throws SlipwayError `fleet.address`, `fleet.no-tls` */
export async function checkBuilderEndpoint(endpoint: BuilderEndpoint): Promise<void> {
  (await import('./fleet/index.ts')).parseAddress(endpoint);
}

/** Asks all at once; a name of DNS gives one for each of its addresses. @throws the signal's reason */
export async function askBuilders(
  endpoints: readonly BuilderEndpoint[],
  o: { readonly signal: AbortSignal; readonly environment: Readonly<Record<string, string>> },
): Promise<BuilderState[]> {
  const { expanded, openBuilder } = await import('./fleet/index.ts');
  const failed = ({ address }: BuilderEndpoint, e: unknown): BuilderState => {
    o.signal.throwIfAborted();
    if (!isSlipwayError(e)) throw e;
    return { address, error: e.message, platforms: [] };
  };
  const ask = async (endpoint: BuilderEndpoint): Promise<BuilderState[]> => {
    try {
      return await Promise.all(
        (await expanded([endpoint])).map(async (one) => {
          try {
            using connection = await openBuilder(one, o);
            const { version, platforms } = connection;
            return { address: one.address, version, platforms };
          } catch (e) {
            return failed(one, e);
          }
        }),
      );
    } catch (e) {
      return [failed(endpoint, e)];
    }
  };
  return (await Promise.all(endpoints.map(ask))).flat();
}
