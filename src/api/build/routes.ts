// Builds: `POST /build` with its stream of JSON, cancelled by name or by a client that goes away; and the cache of builds.
import { type BuildEvent, checkCacheFilter, entryId } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Call } from '../http/call.ts';
import { post, type Route } from '../http/routes.ts';
import { Progress } from '../images/progress.ts';
import { untilOf } from '../http/query.ts';
import { lasting, work } from '../work.ts';
import { buildRequestOf, cachesOf, isGraph, registryConfig } from './request.ts';
import { TraceLines } from './trace.ts';

export const BUILD_ROUTES: readonly Route[] = [post('/build', build), post('/build/cancel', cancel), post('/build/prune', prune)];

/** As Docker's engine colours what commands write to standard error. */
const red = (text: string): string => `\u001b[91m${text}\u001b[0m`;

async function build(call: Call): Promise<void> {
  const { api, query, request } = call;
  const id = query.text('buildid');
  const graph = isGraph(query);
  const operation = {
    kind: 'build' as const,
    request: buildRequestOf(query),
    delivery: { outputs: [], platforms: [], annotations: [], verify: false, sbom: false, ...(graph && cachesOf(query)) },
  };
  const credentials = registryConfig(request);
  const quiet = query.flag('q');
  const stop = new AbortController();
  if (id !== undefined) api.builds.set(id, stop);
  const progress = new Progress(call);
  try {
    await progress.run(async () => {
      const signal = AbortSignal.any([call.signal, stop.signal]);
      const sessionId = graph ? query.text('session') : undefined;
      const client = sessionId === undefined ? undefined : await api.clientSession(sessionId, signal);
      const trace = graph ? new TraceLines(progress, api.now) : undefined;
      const { imageId } = await work(api, operation, {
        signal,
        input: request,
        ...(client && { client }),
        credentials: (host) => credentials.get(host),
        onEvent: (e: BuildEvent) => {
          if (quiet) return;
          if (trace !== undefined) return trace.write(e);
          if (e.type === 'text') progress.lines.write({ stream: e.stream === 'stderr' ? red(e.text) : e.text });
          else if (e.type === 'warning') progress.lines.write({ stream: `[Warning] ${e.message}\n` });
          else if (e.type === 'image') progress.lines.write({ aux: { ID: e.id } });
        },
      });
      if (graph && !quiet) progress.lines.write({ id: 'moby.image.id', aux: { ID: imageId } });
      if (quiet) {
        progress.lines.write({ aux: { ID: imageId } });
        progress.lines.write({ stream: `${imageId}\n` });
      }
    });
  } finally {
    if (id !== undefined && api.builds.get(id) === stop) api.builds.delete(id);
  }
}

async function cancel({ api, query, reply }: Call): Promise<void> {
  const id = query.text('id');
  if (id === undefined) throw new SlipwayError('invalid-argument', 'api.query', 'build ID not provided');
  api.builds.get(id)?.abort(new SlipwayError('cancelled', 'cancelled', 'the build was cancelled'));
  reply.empty(200);
}

async function prune({ api, query, reply }: Call): Promise<void> {
  const filters = query.filters(new Set(['description', 'id', 'inuse', 'private', 'shared', 'type', 'unused-for', 'until']));
  const until = filters.get('until') ?? filters.get('unused-for');
  const match = new Map([...filters].filter(([key]) => key !== 'until' && key !== 'unused-for'));
  const reserved = query.number('reserved-space') ?? query.number('keep-storage');
  const [most, free] = [query.number('max-used-space'), query.number('min-free-space')];
  const filter = {
    all: query.flag('all'),
    ...(until !== undefined && untilOf(new Map([['until', until]]), api.now())),
    ...(match.size > 0 && { match }),
    ...(reserved !== undefined && reserved > 0 && { reserved }),
    ...(most !== undefined && most > 0 && { most }),
    ...(free !== undefined && free > 0 && { free }),
  };
  checkCacheFilter(filter);
  const { removed, reclaimed } = await lasting(api, { kind: 'prune-cache', filter });
  reply.json({ CachesDeleted: removed.length === 0 ? null : removed.map(entryId), SpaceReclaimed: reclaimed });
}
