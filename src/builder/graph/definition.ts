// Builds what an LLB definition describes: its graph is solved like that of a Dockerfile, and the files of its result become an image.
import type { Lease } from '../../content/index.ts';
import type { Image, NewImage } from '../../image/index.ts';
import {
  type Digest,
  formatReference,
  hostPlatform,
  type ImageConfig,
  parsePlatform,
  parseReference,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import { graphOf, GrpcError } from '../../protocol/index.ts';
import { gitSource, withoutCredentials } from '../../remote/index.ts';
import type { CpuSlot } from '../../solver/index.ts';
import { withCleanup } from '../../util/index.ts';
import { gitOp } from '../elsewhere.ts';
import type { Recorder } from '../record/index.ts';
import type { Result } from '../result.ts';
import { BaseImages, contextIdentifier } from '../sources/index.ts';
import type { BuildEnvironment, BuildJob, BuildResult, DefinitionRequest } from '../types.ts';
import { BuildDriver } from './driver.ts';
import { solveNodes } from './solve.ts';

/** @throws SlipwayError invalid-argument or unsupported `build.definition`; as `buildGraph` does */
export async function buildDefinition(
  env: BuildEnvironment,
  request: BuildJob & { readonly definition: DefinitionRequest },
  recorder?: Recorder,
): Promise<BuildResult> {
  const bases = new BaseImages(env, request, request.onEvent);
  const { llb, config } = request.definition;
  const target = await graphOf(llb, {
    image: async (text, platform) => {
      const { ref, id } = await bases.find(
        formatReference(withDefaultTag(parseReference(text))),
        platform === undefined ? (request.platform ?? hostPlatform()) : parsePlatform(platform),
      );
      return `docker-image://${ref}@${id}`;
    },
    folder: contextIdentifier,
    git: async (address, { keepGitDir, checksum }) => {
      const git = gitSource(address);
      if (git === undefined)
        throw new SlipwayError('unsupported', 'build.definition', `${withoutCredentials(address)} is not known for a Git repository`, {
          hints: ['an address by HTTP ends in .git'],
        });
      return gitOp(address, git, { keepGitDir, ...(checksum !== undefined && { checksum }) }, request);
    },
  }).catch((e: unknown) => {
    throw e instanceof GrpcError
      ? new SlipwayError(e.code === 12 ? 'unsupported' : 'invalid-argument', 'build.definition', e.message, { cause: e })
      : e;
  });
  using lease = env.leases.create();
  const slots = new Map<string, CpuSlot>();
  const driver = new BuildDriver(env, request, bases, lease, {
    onList: (v, digest, pieces) => recorder?.list(v.node, digest, pieces),
    onWork: (v, used) => slots.get(v.id)?.watch(used),
  });
  const work = async (): Promise<BuildResult> => {
    const nodes = target === undefined ? [] : [target];
    const { results } = await solveNodes(env, request, nodes, driver, slots, recorder);
    const result = target && results.get(target);
    const image = exportFiles(env, request, result?.kind === 'snapshot' ? result : undefined, config ?? {}, lease);
    request.onEvent({ type: 'image', id: image.id, names: image.names });
    return { image, warnings: [] };
  };
  return await withCleanup(work, () => driver.close());
}

/** The image of a file system: a layer for each snapshot that it stands on. */
function exportFiles(
  env: BuildEnvironment,
  request: BuildJob,
  result: Extract<Result, { kind: 'snapshot' }> | undefined,
  wanted: Partial<ImageConfig>,
  lease: Lease,
): Image {
  const chain: number[] = [];
  for (let at = result?.id ?? null; at !== null; at = env.snapshots.get(at)?.parentId ?? null) chain.unshift(at);
  let parent: Digest | undefined;
  const layers = chain.map((id): NonNullable<NewImage['layers']>[number] => {
    const built = env.images.layers.register(id, parent);
    parent = built.chainId;
    return built;
  });
  const { os, architecture, variant } = request.platform ?? hostPlatform();
  const seconds = request.sourceDateEpoch;
  const created = new Date(seconds === undefined ? (result?.createdAt ?? 0) : seconds * 1000).toISOString();
  const config: ImageConfig = {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    created,
    config: {},
    ...wanted,
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.diffId) },
    history: layers.map(() => ({ created, comment: 'buildkit.exporter.image.v0' })),
  };
  const names = [...new Set(request.tags.map((t) => formatReference(withDefaultTag(parseReference(t)))))];
  const image = env.images.create({ config, layers, names }, lease);
  env.keep?.addImage(image.id);
  return image;
}
