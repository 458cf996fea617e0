// inspect, image inspect, container inspect: Docker's JSON, or a template on it. Volumes and networks have theirs beside their other commands.
import { containerJson, imageJson, shownConfig } from '../../docker/index.ts';
import type { Engine, Image } from '../../engine/index.ts';
import { familiarWord, SlipwayError } from '../../model/index.ts';
import type { Command, Option, ParsedOptions } from '../command.ts';
import { checkPlatform, PLATFORM, wantedPlatform } from '../image-platform.ts';
import { type Find, type Finder, show, WHOLE } from '../inspection.ts';
import { findNetwork } from './networks.ts';
import { findVolume } from './volumes.ts';

const FORMAT: Option = { name: 'format', short: 'f', type: 'string', placeholder: 'template', help: 'json, or a Go template' };
const SIZE: Option = { name: 'size', short: 's', type: 'boolean', help: 'Include container sizes' };

const findImage: Find = async (engine, ref) => {
  const image = engine.images.find(ref);
  return image && inspectImage(engine, image);
};

const findContainer: Find = async (engine, ref, { size }) => {
  const containers = await engine.containers();
  await containers.reconcile();
  const c = containers.records.find(ref);
  return c && containerJson(engine, c, { size });
};

const IMAGE: Finder = { find: findImage, missing: (ref) => `No such image: ${familiarWord(ref)}` };
const CONTAINER: Finder = { find: findContainer, missing: (ref) => `No such container: ${ref}` };
const VOLUME: Finder = { find: findVolume, missing: (ref) => `get ${ref}: no such volume` };
const NETWORK: Finder = { find: findNetwork, missing: (ref) => `network ${ref} not found` };

const TYPES: Readonly<Record<string, Finder>> = { container: CONTAINER, image: IMAGE, network: NETWORK, volume: VOLUME };

const command = (
  name: string,
  summary: string,
  examples: readonly string[],
  finders: (o: ParsedOptions) => readonly Finder[],
  options: readonly Option[] = [],
): Command => ({
  name,
  summary,
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  examples,
  args: { min: 1 },
  options: [FORMAT, ...options],
  async run(ctx, o, args) {
    const wanted = wantedPlatform(o);
    if (wanted !== undefined) for (const ref of args) checkPlatform(await ctx.engine(), ref, wanted);
    return show(ctx, o, args, finders(o));
  },
});

export const inspect = command(
  'inspect',
  'Show all that is known of containers, images, networks or volumes',
  ['slipway inspect web', "slipway inspect -f '{{.State.Status}}' web", 'slipway inspect --type volume data'],
  (o) => {
    const type = o.string('type');
    if (type === undefined || type === '') return [CONTAINER, IMAGE, NETWORK, { ...VOLUME, missing: (ref) => `No such object: ${ref}` }];
    const finder = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (finder === undefined)
      throw new SlipwayError(
        'invalid-argument',
        'cli.type',
        `unknown type: ${JSON.stringify(type)}: must be one of ${Object.keys(TYPES)
          .map((t) => `"${t}"`)
          .join(', ')}`,
      );
    return [finder];
  },
  [SIZE, { name: 'type', type: 'string', placeholder: 'type', help: 'Only this type: container, image, network or volume' }],
);
export const imageInspect = command(
  'image inspect',
  'Show all that is known of images',
  ["slipway image inspect --format '{{.Size}}' app", 'slipway image inspect --platform linux/arm64 app'],
  () => [IMAGE],
  [PLATFORM],
);
export const containerInspect = command(
  'container inspect',
  'Show all that is known of containers',
  ['slipway container inspect web', "slipway container inspect -s --format '{{.SizeRw}}' web"],
  () => [CONTAINER],
  [SIZE],
);

/** The image as Docker's own type shows it to templates; the whole of it is as the API has it. */
function inspectImage(engine: Engine, image: Image): Record<string, unknown> {
  const whole = imageJson(engine, image);
  return Object.defineProperty({ ...whole, Config: shownConfig(image.config.config ?? {}) }, WHOLE, { value: whole });
}
