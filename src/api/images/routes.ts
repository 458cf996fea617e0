// The routes of images: lists, details, names, removal; and the registries that they come from.
import { historyOf, imageJson } from '../../docker/index.ts';
import {
  checkLogin,
  collectImages,
  inspectRemote,
  type ImageShare,
  imageShares,
  type ImageSummary,
  type Removal,
  searchImages,
} from '../../engine/index.ts';
import { familiarReference, isSlipwayError, parseReference, sha256, SlipwayError, withDefaultTag } from '../../model/index.ts';
import { type Api, openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { truthOf, untilOf } from '../http/query.ts';
import { get, post, remove, type Route } from '../http/routes.ts';
import { lasting, work } from '../work.ts';
import { credentialsOf, domainOf, registryAuth } from './auth.ts';
import { imageOf, referenceOf } from './find.ts';
import { createImage, load, push, save } from './transfer.ts';

export const IMAGE_ROUTES: readonly Route[] = [
  get('/images/json', list),
  get('/images/search', search),
  get('/images/get', save),
  post('/images/create', createImage),
  post('/images/load', load),
  post('/images/prune', prune),
  get('/images/{name...}/json', inspect),
  get('/images/{name...}/history', history),
  get('/images/{name...}/get', save),
  post('/images/{name...}/push', push),
  post('/images/{name...}/tag', tag),
  remove('/images/{name...}', removeImage),
  post('/commit', commit),
  get('/distribution/{name...}/json', distribution),
  post('/auth', auth),
];

const familiar = (names: readonly string[]): string[] => names.map((n) => familiarReference(parseReference(n)));
const seconds = (ms: number): number => Math.floor(ms / 1000);

/** An image as lists have it. */
export function imageSummary(
  { engine }: Api,
  i: ImageSummary,
  share?: ImageShare,
  containers = share?.containers ?? -1,
): Record<string, unknown> {
  return {
    Containers: containers,
    Created: seconds(i.createdAt),
    Id: i.id,
    Labels: engine.images.find(i.id)?.config.config?.Labels ?? null,
    ParentId: i.parentId ?? '',
    RepoDigests: familiar(i.digests),
    RepoTags: familiar(i.names),
    SharedSize: share?.shared ?? -1,
    Size: i.size,
  };
}

const FILTERS = new Set(['before', 'dangling', 'label', 'reference', 'since', 'until']);

/** Since when lists say how many containers an image has. */
const COUNTS_CONTAINERS = 51;

async function list({ api, query, reply, minor }: Call): Promise<void> {
  const filters = query.filters(FILTERS);
  const dangling = truthOf(filters, 'dangling');
  const [before, since] = [filters.get('before')?.at(-1), filters.get('since')?.at(-1)];
  const found = api.engine.images.list({
    all: query.flag('all'),
    references: filters.get('reference') ?? [],
    labels: filters.get('label') ?? [],
    ...(dangling !== undefined && { dangling }),
    ...untilOf(filters, api.now()),
    ...(before !== undefined && { before }),
    ...(since !== undefined && { since }),
  });
  const shares = query.flag('shared-size') ? await imageShares(api.engine) : undefined;
  const containers = minor < COUNTS_CONTAINERS ? undefined : Map.groupBy((await openContainers(api)).records.all(), (c) => c.imageId);
  reply.json(found.map((i) => imageSummary(api, i, shares?.get(i.id), containers && (containers.get(i.id)?.length ?? 0))));
}

async function inspect(call: Call): Promise<void> {
  call.reply.json(imageJson(call.api.engine, imageOf(call.api, call.param('name'))));
}

async function history({ api, params, reply }: Call): Promise<void> {
  const { engine } = api;
  const lines = historyOf(engine, imageOf(api, params['name'] ?? ''));
  reply.json(
    lines.map(({ id, entry, size }) => ({
      Comment: entry.comment ?? '',
      Created: seconds(Date.parse(entry.created ?? '') || 0),
      CreatedBy: entry.created_by ?? '',
      Id: id,
      Size: size,
      Tags: id === '<missing>' ? null : familiar(engine.images.find(id)?.names ?? []),
    })),
  );
}

async function tag({ api, params, query, reply }: Call): Promise<void> {
  const repository = query.text('repo') ?? '';
  const name = withDefaultTag(referenceOf(repository, query.text('tag')));
  if (name.digest !== undefined) throw new SlipwayError('invalid-argument', 'api.tag', 'refusing to create a tag with a digest reference');
  api.engine.images.tag(imageOf(api, params['name'] ?? '').id, familiarReference(name));
  reply.empty(201);
}

const removed = (r: Removal): object => (r.kind === 'untagged' ? { Untagged: r.name } : { Deleted: r.id });

async function removeImage({ api, params, query, reply }: Call): Promise<void> {
  const word = params['name'] ?? '';
  imageOf(api, word);
  const done = await lasting(api, { kind: 'remove-image', image: word, force: query.flag('force'), prune: !query.flag('noprune') });
  reply.json(done.map(removed));
}

const PRUNE_FILTERS = new Set(['dangling', 'label', 'label!', 'until']);

async function prune({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(PRUNE_FILTERS);
  const filter = {
    all: truthOf(filters, 'dangling') === false,
    ...untilOf(filters, api.now()),
    ...(filters.has('label') && { labels: filters.get('label')! }),
    ...(filters.has('label!') && { otherLabels: filters.get('label!')! }),
  };
  const { removed: gone, reclaimed } = await lasting(api, { kind: 'prune-images', filter });
  reply.json({ ImagesDeleted: gone.length === 0 ? null : gone.map(removed), SpaceReclaimed: reclaimed });
}

async function commit(call: Call): Promise<void> {
  const { api, query, reply, signal } = call;
  const body = await call.optionalJson();
  const containers = await openContainers(api);
  const c = containers.records.resolve(query.text('container') ?? '');
  const given = ['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Healthcheck', 'Labels', 'OnBuild', 'User', 'Volumes', 'WorkingDir'];
  body?.refuse(Object.fromEntries(given.map((name) => [name, 'give instructions by changes'])));
  const [repository, comment, author] = [query.text('repo'), query.text('comment'), query.text('author')];
  const name = repository === undefined ? undefined : familiarReference(withDefaultTag(referenceOf(repository, query.text('tag'))));
  const options = {
    changes: query.all('changes').flatMap((text) => text.split('\n').filter(Boolean)),
    pause: query.flag('pause', true),
    ...(name !== undefined && { name }),
    ...(author !== undefined && { author }),
    ...(comment !== undefined && { message: comment }),
  };
  reply.json({ Id: await work(api, { kind: 'commit', container: c.id, options }, { signal }) }, 201);
}

const SEARCH_FILTERS = new Set(['is-automated', 'is-official', 'stars']);

async function search({ api, query, reply, request, signal }: Call): Promise<void> {
  const filters = query.filters(SEARCH_FILTERS);
  const term = query.text('term') ?? '';
  const limit = query.number('limit') ?? 25;
  if (limit < 1 || limit > 100) throw new SlipwayError('invalid-argument', 'api.query', `limit ${limit} is outside the range of [1, 100]`);
  const stars = Number(filters.get('stars')?.at(-1) ?? 0);
  const official = truthOf(filters, 'is-official');
  const host = term.includes('/') && /[.:]/.test(term.split('/')[0] ?? '') ? (term.split('/')[0] ?? '') : 'docker.io';
  const found = await searchImages(api.engine, term, { limit, signal, credentials: registryAuth(request, host) });
  reply.json(
    found
      .filter((f) => f.stars >= stars && (official === undefined || f.official === official))
      .map((f) => ({ star_count: f.stars, is_official: f.official, name: f.name, is_automated: false, description: f.description })),
  );
}

async function distribution({ api, params, reply, request, signal }: Call): Promise<void> {
  const ref = parseReference(params['name'] ?? '');
  const credentials = registryAuth(request, ref.domain);
  const found = await inspectRemote(api.engine, ref, signal, [], credentials);
  const images = await collectImages(api.engine, [ref], signal, [], credentials);
  reply.json({
    Descriptor: { mediaType: found.mediaType, digest: sha256(found.bytes), size: found.bytes.length },
    Platforms: images.flatMap(({ descriptor }) => descriptor.platform ?? []),
  });
}

async function auth(call: Call): Promise<void> {
  const body = await call.json();
  const credentials = credentialsOf(body);
  if (credentials === undefined) throw new SlipwayError('invalid-argument', 'api.auth', 'no credentials were given');
  try {
    const { identityToken } = await checkLogin(call.api.engine, domainOf(body.word('serveraddress')), credentials, call.signal);
    call.reply.json({ IdentityToken: identityToken ?? '', Status: 'Login Succeeded' });
  } catch (e) {
    if (!isSlipwayError(e) || e.kind !== 'permission-denied') throw e;
    throw new SlipwayError('permission-denied', 'api.unauthorized', e.message, { cause: e });
  }
}
