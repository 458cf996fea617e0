// Lists that a registry gives in pages (distribution-spec, "Listing Tags"; distribution, "Catalog").
import { type HttpResponse, readSmall } from './http.ts';

/** What pages are asked of; a `Host` is one. */
interface Asked {
  expect(
    what: string,
    expected: readonly number[],
    x: { method: 'GET'; path: string | URL; scopes: readonly string[]; follow: true },
  ): Promise<HttpResponse>;
}

/** Follows `Link: <…>; rel="next"` through a paged list. */
export async function pages(
  host: Asked,
  what: string,
  first: string,
  scopes: readonly string[],
  listOf: (page: Record<string, unknown>) => unknown,
): Promise<string[]> {
  const all: string[] = [];
  let path: string | URL | undefined = first;
  for (let n = 0; path !== undefined && n < 10_000; n++) {
    const response: HttpResponse = await host.expect(what, [200], { method: 'GET', path, scopes, follow: true });
    const page = JSON.parse((await readSmall(response)).toString('utf8')) as Record<string, unknown>;
    const list = listOf(page);
    if (Array.isArray(list)) all.push(...list.map(String));
    const next: string | undefined = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(String(response.headers.link ?? ''))?.[1];
    path = next === undefined ? undefined : new URL(next, response.url);
  }
  return all;
}
