// Lists that a registry gives in pages (distribution-spec, "Listing Tags"; distribution, "Catalog").
import { parseJson, SlipwayError } from '../model/index.ts';
import { type HttpResponse, readSmall, redirected } from './http.ts';

const MOST_ENTRIES = 1_000_000;

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
    const page = parseJson(await readSmall(response), 'registry.malformed', `answer of ${response.url.host}`);
    const list = listOf(page);
    if (Array.isArray(list)) for (const entry of list) all.push(String(entry));
    if (all.length > MOST_ENTRIES)
      throw new SlipwayError('data-loss', 'registry.too-large', `${response.url.host} lists more than ${MOST_ENTRIES} entries`);
    const next: string | undefined = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(String(response.headers.link ?? ''))?.[1];
    path = next === undefined ? undefined : redirected(response.url, next);
  }
  return all;
}
