// Searching for repositories by the API that registries had before the distribution specification: `/v1/search`. Docker Hub has it still.
import { parseJson, SlipwayError } from '../model/index.ts';
import { statusError } from './errors.ts';
import { type Host, HUB } from './host.ts';
import { drop, readSmall } from './http.ts';
import type { Registries } from './registries.ts';

export interface Found {
  /** As it is pulled, without the registry: `busybox`, `me/busybox`. */
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

/** Where a search goes. */
export interface SearchTerm {
  readonly domain: string;
  readonly term: string;
}

/** `TERM`, at Docker Hub, or `HOST[:PORT]/TERM`. @throws SlipwayError `search.scheme` */
export function parseSearchTerm(text: string): SearchTerm {
  if (text.includes('://'))
    throw new SlipwayError(
      'invalid-argument',
      'search.scheme',
      `invalid repository name: repository name (${text}) should not have a scheme`,
    );
  const [first = '', rest] = text.split(/\/(.*)/s);
  const isHost = rest !== undefined && (first.includes('.') || first.includes(':') || first === 'localhost');
  if (!isHost) return { domain: HUB, term: text.replace(/^library\//, '') };
  return first === HUB || first === 'index.docker.io'
    ? { domain: HUB, term: rest.replace(/^library\//, '') }
    : { domain: first, term: rest };
}

/**
 * The repositories that a registry finds for a term, the best first.
 *
 * @throws SlipwayError unsupported `search.not-offered` where the registry has no search, data-loss `search.malformed`, `registry.*`
 */
export async function search(registries: Registries, { domain, term }: SearchTerm, limit: number): Promise<Found[]> {
  const host = registries.searchable(domain);
  const path = `/v1/search?q=${encodeURIComponent(term)}&n=${limit}`;
  const response = await host.send({ method: 'GET', path, scopes: [], follow: true });
  if (NOT_OFFERED.has(response.status)) {
    await drop(response);
    throw notOffered(host);
  }
  const body = await readSmall(response);
  if (response.status !== 200) throw statusError(response.status, body, `search ${domain}`, response.url);
  // pages for people are what some servers have at every address
  if (!/^application\/(?:[\w.+-]*\+)?json\b/i.test(String(response.headers['content-type'] ?? 'application/json'))) throw notOffered(host);
  const { results } = parseJson(body, 'search.malformed', `answer of ${response.url.host}`);
  if (!Array.isArray(results))
    throw new SlipwayError('data-loss', 'search.malformed', `the answer of ${response.url.host} to a search has no list of results`);
  return results.slice(0, limit).map(found);
}

/** What servers without a search answer. */
const NOT_OFFERED: ReadonlySet<number> = new Set([404, 405, 410, 501]);

const notOffered = (host: Host): SlipwayError =>
  new SlipwayError(
    'unsupported',
    'search.not-offered',
    `${host.name} cannot be searched: it has no /v1/search, which few registries have`,
    {
      hints: [`slipway registry ls ${host.name} lists the repositories of a registry that tells them`],
    },
  );

function found(value: unknown): Found {
  const one = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const text = (field: string): string => (typeof one[field] === 'string' ? one[field] : '');
  const stars = one['star_count'];
  return {
    name: text('name'),
    description: text('description'),
    stars: typeof stars === 'number' && Number.isFinite(stars) ? stars : 0,
    official: one['is_official'] === true,
  };
}
