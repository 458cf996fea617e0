// inspect, image inspect, container inspect: Docker's JSON, or a template on it.
import { type Container, inspectContainer } from '../../container/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { Image } from '../../image/index.ts';
import { familiarReference, isSlipwayError, parseReference } from '../../model/index.ts';
import type { Snapshotter } from '../../snapshot/index.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { printableJson } from '../../util/index.ts';
import { compileTemplate } from '../template/index.ts';

const OPTIONS = [
  { name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' },
  { name: 'size', short: 's', type: 'boolean', help: 'Show sizes too (they always are)' },
  { name: 'type', type: 'string', placeholder: 'image|container', help: 'Only things of this type' },
] as const;

type Find = (engine: Engine, ref: string) => Promise<Record<string, unknown> | undefined>;

const findImage: Find = async (engine, ref) => {
  const image = engine.images.find(ref);
  return image && inspectImage(engine, image);
};

const findContainer: Find = async (engine, ref) => {
  const containers = await engine.containers();
  await containers.reconcile();
  let c: Container;
  try {
    c = containers.records.resolve(ref);
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'container.not-found') return undefined;
    throw e;
  }
  const { snapshots, layout } = engine;
  return inspectContainer(c, {
    layout,
    runtime: (await engine.runtime()).name,
    driver: graphDriver(snapshots),
    folders: snapshots.folders(c.snapshotId),
  });
};

/** As Docker calls what does the same. */
const graphDriver = ({ driver }: Snapshotter): string => (driver === 'overlay' ? 'overlay2' : 'vfs');

const command = (
  name: string,
  summary: string,
  missing: string,
  examples: readonly string[],
  finders: (o: ParsedOptions) => readonly Find[],
): Command => ({
  name,
  summary,
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  examples,
  args: { min: 1 },
  options: OPTIONS,
  run: (ctx, o, args) => show(ctx, o, args, missing, finders(o)),
});

export const inspect = command(
  'inspect',
  'Show all that is known of containers or images',
  'No such object',
  ['slipway inspect web', "slipway inspect -f '{{.State.Status}}' web"],
  (o) => (o.string('type') === 'image' ? [findImage] : o.string('type') === 'container' ? [findContainer] : [findContainer, findImage]),
);
export const imageInspect = command(
  'image inspect',
  'Show all that is known of images',
  'No such image',
  ["slipway image inspect --format '{{.Size}}' app"],
  () => [findImage],
);
export const containerInspect = command(
  'container inspect',
  'Show all that is known of containers',
  'No such container',
  ['slipway container inspect web'],
  () => [findContainer],
);

async function show(ctx: Context, o: ParsedOptions, refs: readonly string[], missing: string, finders: readonly Find[]): Promise<number> {
  const engine = await ctx.engine();
  const found: Record<string, unknown>[] = [];
  let failed = 0;
  for (const ref of refs) {
    let one: Record<string, unknown> | undefined;
    for (const find of finders) one ??= await find(engine, ref);
    if (one) found.push(one);
    else {
      failed++;
      ctx.stderr.write(`error: ${missing}: ${ref}\n`);
    }
  }
  const format = o.string('format');
  if (format === undefined || format === '') ctx.stdout.write(`${printableJson(JSON.stringify(found, null, 4))}\n`);
  else if (format === 'json') ctx.stdout.write(`${printableJson(JSON.stringify(found))}\n`);
  else
    ctx.stdout.write(
      found
        .map(compileTemplate(format, 'template parsing error'))
        .map((text) => `${text}\n`)
        .join(''),
    );
  return failed > 0 ? 1 : 0;
}

function inspectImage(engine: Engine, image: Image): Record<string, unknown> {
  const { config } = image;
  const top = image.layers.at(-1);
  const snapshot = top && engine.snapshots.byChain(top.chainId);
  return {
    Id: image.id,
    RepoTags: image.names.map((n) => familiarReference(parseReference(n))),
    RepoDigests: image.digests.map((n) => familiarReference(parseReference(n))),
    Parent: image.parentId ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    GraphDriver: {
      Name: graphDriver(engine.snapshots),
      Data: snapshot ? engine.snapshots.folders(snapshot.id) : null,
    },
    RootFS: { Type: 'layers', ...(image.layers.length > 0 && { Layers: image.layers.map((l) => l.diffId) }) },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
  };
}
