// `system/df`: what takes how much room, thing by thing.
import { volumeJson } from '../../docker/index.ts';
import { cacheEntries, diskUsage, entryId, imageShares, volumeSize } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { openContainers } from '../api.ts';
import { containerSummary } from '../containers/list.ts';
import type { Call } from '../http/call.ts';
import { imageSummary } from '../images/routes.ts';

const TYPES = ['container', 'image', 'volume', 'build-cache'];

export async function usage({ api, query, reply }: Call): Promise<void> {
  const { engine } = api;
  const asked = query.all('type');
  const wrong = asked.find((type) => !TYPES.includes(type));
  if (wrong !== undefined) throw new SlipwayError('invalid-argument', 'api.query', `unknown object type: ${wrong}`);
  const wants = (type: string): boolean => asked.length === 0 || asked.includes(type);
  const containers = await openContainers(api);
  const all = containers.records.all();
  const sums = await diskUsage(engine);
  const shares = wants('image') ? await imageShares(engine) : undefined;
  const links = (name: string): number => all.filter((c) => c.mounts.some((m) => m.name === name)).length;
  reply.json({
    LayersSize: sums.find((u) => u.type === 'Images')?.size ?? 0,
    Images: wants('image') ? engine.images.list({}).map((i) => imageSummary(api, i, shares?.get(i.id))) : null,
    Containers: wants('container') ? await Promise.all(all.map((c) => containerSummary(engine, c, { now: api.now(), size: true }))) : null,
    Volumes: wants('volume')
      ? containers.volumes.list().map((v) => ({ ...volumeJson(v), UsageData: { RefCount: links(v.name), Size: volumeSize(v) } }))
      : null,
    BuildCache: wants('build-cache') ? cacheEntries(engine).map(cacheJson) : null,
  });
}

function cacheJson(e: ReturnType<typeof cacheEntries>[number]): object {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    ID: entryId(e),
    Type: e.type,
    Description: e.description,
    InUse: e.inUse,
    Shared: e.shared,
    Size: e.size,
    CreatedAt: time(e.createdAt),
    LastUsedAt: time(e.usedAt),
    UsageCount: e.uses,
  };
}
