// The table of routes: a method and a pattern of a path to what answers it.
import type { Handler, Upgrade } from './call.ts';

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** `/containers/{id}/json`; `{name...}` takes slashes too, as names of images need. */
  readonly pattern: string;
  readonly handle: Handler;
  /** The client may ask for the connection itself by this protocol (`Upgrade: tcp`). */
  readonly upgrades?: readonly Upgrade[];
}

export const get = (pattern: string, handle: Handler, upgrades?: readonly Upgrade[]): Route => ({
  method: 'GET',
  pattern,
  handle,
  ...(upgrades && { upgrades }),
});
export const head = (pattern: string, handle: Handler): Route => ({ method: 'HEAD', pattern, handle });
export const post = (pattern: string, handle: Handler, upgrades?: readonly Upgrade[]): Route => ({
  method: 'POST',
  pattern,
  handle,
  ...(upgrades && { upgrades }),
});
export const put = (pattern: string, handle: Handler): Route => ({ method: 'PUT', pattern, handle });
export const remove = (pattern: string, handle: Handler): Route => ({ method: 'DELETE', pattern, handle });

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export class RouteTable {
  readonly #routes: readonly { readonly route: Route; readonly expression: RegExp }[];

  /** The first that matches answers. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, expression: expressionOf(route.pattern) }));
  }

  /** `path` without version and query. */
  find(method: string, path: string): Match | undefined {
    for (const { route, expression } of this.#routes) {
      if (route.method !== method) continue;
      const groups = expression.exec(path)?.groups;
      if (groups === undefined) continue;
      const params = Object.entries(groups).map(([name, value]) => [name, decoded(value)] as const);
      if (params.every(([, value]) => value !== undefined)) return { route, params: Object.fromEntries(params) as Record<string, string> };
    }
    return undefined;
  }
}

/** undefined for what no URL encodes. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function expressionOf(pattern: string): RegExp {
  const source = pattern.replaceAll(
    /\{(\w+)(\.\.\.)?\}/g,
    (_, name: string, slashes?: string) => `(?<${name}>${slashes ? '.+' : '[^/]+'})`,
  );
  return new RegExp(`^${source}(?<_>)$`);
}
