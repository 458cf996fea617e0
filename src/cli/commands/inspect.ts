// inspect, image inspect, container inspect: Docker's JSON, or a template on it. Volumes and networks have theirs beside their other commands.
import { inspectContainer, containerSizes, type Engine, type Container, type Image, type Snapshotter } from '../../engine/index.ts';
import {
  type ContainerConfig,
  familiarReference,
  isSlipwayError,
  parseReference,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
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
  let c: Container;
  try {
    c = containers.records.resolve(ref);
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'container.not-found') return undefined;
    throw e;
  }
  const { snapshots, layout } = engine;
  const sizes = size ? containerSizes(engine, c) : undefined;
  return {
    ...inspectContainer(c, {
      layout,
      runtime: (await engine.runtime()).name,
      driver: graphDriver(snapshots),
      folders: snapshots.folders(c.snapshotId),
    }),
    ...(sizes && { SizeRw: sizes.written, SizeRootFs: sizes.total }),
  };
};

/** As Docker calls what does the same. */
const graphDriver = ({ driver }: Snapshotter): string => (driver === 'overlay' ? 'overlay2' : 'vfs');

const IMAGE: Finder = { find: findImage, missing: (ref) => `No such image: ${withTag(ref)}` };
const CONTAINER: Finder = { find: findContainer, missing: (ref) => `No such container: ${ref}` };
const VOLUME: Finder = { find: findVolume, missing: (ref) => `get ${ref}: no such volume` };
const NETWORK: Finder = { find: findNetwork, missing: (ref) => `network ${ref} not found` };

const TYPES: Readonly<Record<string, Finder>> = { container: CONTAINER, image: IMAGE, network: NETWORK, volume: VOLUME };

/** Docker looks for the latest of a name without a tag; an ID has none. */
function withTag(ref: string): string {
  try {
    return /^(?:sha256:)?[0-9a-f]{64}$/.test(ref) ? ref : familiarReference(withDefaultTag(parseReference(ref)));
  } catch {
    return ref;
  }
}

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
  ["slipway image inspect --format '{{.Size}}' app"],
  () => [IMAGE],
  [PLATFORM],
);
export const containerInspect = command(
  'container inspect',
  'Show all that is known of containers',
  ['slipway container inspect web'],
  () => [CONTAINER],
  [SIZE],
);

/** The fields of a configuration in the order of Docker, with what each is when it is not set: JSON leaves it out, templates see it. */
const UNSET = {
  User: '',
  ExposedPorts: null,
  Env: null,
  Entrypoint: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: '',
  Labels: null,
  StopSignal: '',
  ArgsEscaped: false,
  Healthcheck: null,
  OnBuild: null,
  Shell: null,
};

function shownConfig(config: ContainerConfig): Record<string, unknown> {
  const shown = {};
  for (const [name, unset] of Object.entries(UNSET)) {
    const value = config[name as keyof typeof UNSET] ?? unset;
    const isSet = typeof value === 'object' ? Object.keys(value ?? {}).length > 0 : Boolean(value);
    Object.defineProperty(shown, name, { value: isSet ? value : unset, enumerable: isSet });
  }
  return shown;
}

function inspectImage(engine: Engine, image: Image): Record<string, unknown> {
  const { config } = image;
  const top = image.layers.at(-1);
  const snapshot = top && engine.snapshots.byChain(top.chainId);
  const shown: Record<string, unknown> = {
    Id: image.id,
    RepoTags: image.names.map((n) => familiarReference(parseReference(n))),
    RepoDigests: image.digests.map((n) => familiarReference(parseReference(n))),
    Parent: image.parentId ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: shownConfig(config.config ?? {}),
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
  return Object.defineProperty(shown, WHOLE, { value: { ...others(shown), Config: wholeConfig(config.config ?? {}) } });
}

const others = ({ Config: _, ...rest }: Record<string, unknown>): Record<string, unknown> => rest;

/** What the whole of an image shows although it is not set. */
const ALWAYS = { Cmd: null, Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: '', Volumes: null, WorkingDir: '' };

/** The configuration as the API has it: sorted, some fields always. A template sees the fields of Docker's own type instead. */
const wholeConfig = (config: ContainerConfig): Record<string, unknown> =>
  Object.fromEntries(Object.entries({ ...ALWAYS, ...shownConfig(config) }).sort(([a], [b]) => (a < b ? -1 : 1)));
