// A build whose graph is solved elsewhere: what goes there, and the image that comes back.
import { formatReference, type ImageConfig, parseReference, SlipwayError, withDefaultTag } from '../../model/index.ts';
import { definitionOf, GrpcError } from '../../protocol/index.ts';
import { gitSource } from '../../remote/index.ts';
import { sortedMap } from '../../util/index.ts';
import type { StageState } from '../lower/index.ts';
import { type BaseImages, imageIdOf } from '../sources/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import type { Image } from '../../image/index.ts';
import { graphOfPart, type Part, partsOf } from './parts.ts';

/** @throws SlipwayError unsupported `build.elsewhere` for what a builder elsewhere cannot do; what that throws */
export async function buildElsewhere(
  env: BuildEnvironment & Required<Pick<BuildEnvironment, 'remote'>>,
  request: BuildJob,
  bases: BaseImages,
  state: StageState,
): Promise<Image> {
  const { node, platform } = state;
  if (node === undefined)
    throw new SlipwayError('unsupported', 'build.elsewhere', 'an image without files is not made by a builder elsewhere', {
      hints: ['leave --builder out'],
    });
  if (request.squash)
    throw new SlipwayError('unsupported', 'build.elsewhere', 'a builder elsewhere cannot squash layers', {
      hints: ['build it here: leave --builder out'],
    });
  if (request.networkName !== undefined || (request.volumes ?? []).length > 0)
    throw new SlipwayError('unsupported', 'build.elsewhere', 'a builder elsewhere has neither networks nor files of this machine', {
      hints: ['build it here: leave --builder out'],
    });
  if ((request.secretsInKey ?? []).length > 0)
    throw new SlipwayError('unsupported', 'build.elsewhere', 'the cache of a builder elsewhere goes by the names of secrets alone', {
      hints: ['build it here: leave --builder out', 'or leave out cache=content'],
    });
  const { remote } = env;
  const parts = partsOf(node, await remote.places(request));
  const encode = (part: Part, folderOf: (part: Part) => string) => definition(graphOfPart(part, folderOf), bases, platform);
  const files = await remote.solve({ parts, encode }, request);
  const { rootfs, history = [], created } = files.config;
  const config: ImageConfig = { ...configOf(request, state), ...(created !== undefined && { created }), rootfs, history };
  using lease = env.leases.create();
  lease.addImage(files.id);
  const names = [...new Set(request.tags.map((t) => formatReference(withDefaultTag(parseReference(t)))))];
  const image = env.images.create({ config, names }, lease);
  env.keep?.addImage(image.id);
  if (files.id !== image.id) env.images.removeUnused(files.id);
  return image;
}

function definition(
  node: NonNullable<StageState['node']>,
  bases: BaseImages,
  platform: StageState['platform'],
): ReturnType<typeof definitionOf> {
  try {
    return definitionOf(node, {
      platform,
      repository: (identifier) => gitSource(identifier)?.remote ?? identifier,
      // by its manifest where that is known, else by its name: the other side has its own store
      image: (identifier) => {
        const { ref, manifestDigest } = bases.get(imageIdOf(identifier));
        return `docker-image://${ref}${manifestDigest === undefined ? '' : `@${manifestDigest}`}`;
      },
    });
  } catch (cause) {
    if (!(cause instanceof GrpcError)) throw cause;
    throw new SlipwayError('unsupported', 'build.elsewhere', cause.message, { cause, hints: ['build it here: leave --builder out'] });
  }
}

/** All of the configuration but what the layers say. */
function configOf(
  request: BuildJob,
  { base, config, author, platform }: StageState,
): Pick<ImageConfig, 'architecture' | 'os' | 'config'> & Partial<ImageConfig> {
  const labels = sortedMap({ ...config.Labels, ...request.labels });
  const { variant } = platform;
  return {
    architecture: base?.config.architecture || platform.architecture,
    ...(variant && { variant }),
    os: base?.config.os || platform.os,
    ...(author !== undefined && { author }),
    config: { ...config, ...(Object.keys(labels).length > 0 && { Labels: labels }) },
  };
}
