// Images that come and go: pulled, pushed, loaded, saved, imported. A process of its own does it, and its progress is a stream of JSON.
import { finished } from 'node:stream/promises';
import { localTags, remoteTags, type StoreEvent } from '../../engine/index.ts';
import {
  familiarReference,
  formatReference,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import type { Call } from '../http/call.ts';
import { work } from '../work.ts';
import { registryAuth } from './auth.ts';
import { referenceOf } from './find.ts';
import { Progress } from './progress.ts';

const short = (digest: string): string => digest.slice(7, 19);

const PULL_STATES = {
  waiting: 'Pulling fs layer',
  downloading: 'Downloading',
  downloaded: 'Download complete',
  unpacking: 'Extracting',
  done: 'Pull complete',
  present: 'Already exists',
} as const;

export async function createImage(call: Call): Promise<void> {
  if (call.query.text('fromSrc') !== undefined) return importImage(call);
  const { api, query, request, signal } = call;
  const ref = referenceOf(query.text('fromImage') ?? '', query.text('tag'));
  const platform = platformOf(call);
  const credentials = registryAuth(request, ref.domain);
  const progress = new Progress(call);
  await progress.run(async () => {
    const names = ref.tag === undefined && ref.digest === undefined ? await remoteTags(api.engine, ref, signal, credentials) : [ref];
    for (const name of names) await pullOne(call, progress, name, platform, credentials);
  });
}

async function pullOne(
  { api, signal }: Call,
  progress: Progress,
  name: Reference,
  platform: Platform | undefined,
  credentials: ReturnType<typeof registryAuth>,
): Promise<void> {
  let begun = false;
  const begin = (): void => {
    if (!begun)
      progress.lines.write({
        status: `Pulling from ${name.domain === 'docker.io' ? name.path : repositoryName(name)}`,
        id: name.tag ?? name.digest,
      });
    begun = true;
  };
  const { digest, changed } = await work(
    api,
    { kind: 'pull', reference: formatReference(name), ...(platform && { platform }) },
    {
      signal,
      credentials: (host) => credentials.get(host),
      onEvent: (e: StoreEvent) => {
        if (e.type !== 'pull') return;
        begin();
        const { state, current, total } = e.progress;
        const moves = state === 'downloading' || state === 'unpacking';
        progress.row(short(e.progress.digest), PULL_STATES[state], ...(moves ? [current, total] : []));
      },
    },
  );
  begin();
  progress.lines.write({ status: `Digest: ${digest}` });
  progress.lines.write({
    status: `Status: ${changed ? 'Downloaded newer image for' : 'Image is up to date for'} ${familiarReference(name)}`,
  });
}

const PUSH_STATES = {
  preparing: 'Preparing',
  pushing: 'Pushing',
  pushed: 'Pushed',
  present: 'Layer already exists',
  mounted: 'Mounted from',
} as const;

export async function push(call: Call): Promise<void> {
  const { api, query, request, signal } = call;
  const ref = referenceOf(call.param('name'), query.text('tag'));
  const credentials = registryAuth(request, ref.domain);
  const progress = new Progress(call);
  await progress.run(async () => {
    progress.lines.write({ status: `The push refers to repository [${repositoryName(ref)}]` });
    const names = ref.tag === undefined ? localTags(api.engine, ref) : [ref];
    const local = familiarReference({ domain: ref.domain, path: ref.path });
    if (names.length === 0)
      throw new SlipwayError('not-found', 'image.not-found', `An image does not exist locally with the tag: ${local}`);
    for (const name of names) {
      const { digest, size } = await work(
        api,
        { kind: 'push', reference: formatReference(name) },
        {
          signal,
          credentials: (host) => credentials.get(host),
          onEvent: (e: StoreEvent) => {
            if (e.type !== 'push') return;
            const { diffId, state, current, total, from } = e.progress;
            const status = from === undefined ? PUSH_STATES[state] : `${PUSH_STATES[state]} ${from}`;
            progress.row(short(diffId), status, ...(state === 'pushing' ? [current, total] : []));
          },
        },
      );
      progress.lines.write({ status: `${name.tag}: digest: ${digest} size: ${size}` });
      progress.lines.write({ progressDetail: {}, aux: { Tag: name.tag, Digest: digest, Size: size } });
    }
  });
}

export async function load(call: Call): Promise<void> {
  const { api, query, request, signal } = call;
  const platform = platformOf(call);
  const quiet = query.flag('quiet');
  const progress = new Progress(call);
  await progress.run(async () => {
    const loaded = await work(
      api,
      { kind: 'load', ...(platform && { platform }) },
      {
        signal,
        input: request,
        onEvent: (e: StoreEvent) => {
          if (e.type !== 'archive' || quiet || e.progress.state === 'present') return;
          progress.row(short(e.progress.digest), 'Loading layer', e.progress.current, e.progress.total);
        },
      },
    );
    for (const { id, names, replaced } of loaded) {
      for (const r of replaced)
        progress.lines.write({
          stream: `The image ${familiarReference(parseReference(r.name))} already exists, renaming the old one with ID ${r.id} to empty string\n`,
        });
      const lines =
        names.length > 0 ? names.map((n) => `Loaded image: ${familiarReference(parseReference(n))}\n`) : [`Loaded image ID: ${id}\n`];
      for (const stream of lines) progress.lines.write({ stream });
    }
  });
}

export async function save(call: Call): Promise<void> {
  const { api, params, query, reply, signal } = call;
  const images = params['name'] === undefined ? query.all('names').flatMap((names) => names.split(',')) : [params['name']];
  if (images.length === 0) throw new SlipwayError('invalid-argument', 'api.query', 'no images to save: names is missing');
  for (const word of images)
    if (api.engine.images.find(word) === undefined) throw new SlipwayError('not-found', 'image.not-found', `No such image: ${word}`);
  const output = reply.stream('application/x-tar');
  await work(api, { kind: 'save', images }, { signal, output });
  await finished(output).catch(() => {}); // the client has gone
}

async function importImage(call: Call): Promise<void> {
  const { api, query, request, signal } = call;
  if (query.text('fromSrc') !== '-')
    throw new SlipwayError(
      'unsupported',
      'api.import',
      'importing from an address is not supported: send the archive as the body, with fromSrc=-',
    );
  const [repository, message] = [query.text('repo'), query.text('message')];
  const name = repository === undefined ? undefined : familiarReference(withDefaultTag(referenceOf(repository, query.text('tag'))));
  const platform = platformOf(call);
  const progress = new Progress(call);
  await progress.run(async () => {
    const id = await work(
      api,
      {
        kind: 'import',
        changes: query.all('changes'),
        ...(name !== undefined && { name }),
        ...(message !== undefined && { message }),
        ...(platform && { platform }),
      },
      { signal, input: request },
    );
    progress.lines.write({ status: id });
  });
}

/** `linux/arm64`, or since 1.48 its parts as JSON. */
function platformOf({ query }: Call): Platform | undefined {
  const text = query.text('platform');
  if (text === undefined) return undefined;
  if (!text.startsWith('{')) return parsePlatform(text);
  const { os = 'linux', architecture = '', variant } = query.json('platform') as Record<string, string | undefined>;
  return parsePlatform([os, architecture, variant].filter(Boolean).join('/'));
}
