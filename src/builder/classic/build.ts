// The original engine: a Dockerfile from top to bottom, every stage before the target, an image for each instruction.
import { checkLimits } from '../../container/index.ts';
import {
  expandInstruction,
  expandRunMounts,
  globalArgs,
  parseDockerfile,
  parseInstruction,
  targetStage,
  type Dockerfile,
  type Instruction,
  type Stage,
} from '../../dockerfile/index.ts';
import type { Image } from '../../image/index.ts';
import {
  familiarReference,
  formatReference,
  hostPlatform,
  isSlipwayError,
  parseReference,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import { openFileDigests } from '../steps/index.ts';
import { crashPoint, withCleanup, sortedMap } from '../../util/index.ts';
import type { BuildEnvironment, BuildJob, BuildResult } from '../types.ts';
import { BuildArgs } from './args.ts';
import { Bases } from './from.ts';
import { StepImages } from './images.ts';
import { placed, sourceOf } from '../placed.ts';
import { applyMetadata } from './metadata.ts';
import { Output, shortId } from './output.ts';
import { refuseUnsupported } from './refuse.ts';
import { CacheSources } from './sources.ts';
import { squashImage } from '../squash.ts';
import { beginStage, type StageState } from './state.ts';
import { commitMetadata, copyInstruction, runInstruction, workdirInstruction, type StepParts } from './steps.ts';

/**
 * Builds with the original engine. Needs the private mount namespace. Throws what the Dockerfile or a step makes go wrong;
 * a failed command is process-failed 'build.command-failed' with its exit code.
 */
export async function buildClassic(env: BuildEnvironment, request: BuildJob): Promise<BuildResult> {
  const { name, text } = request.dockerfile;
  const dockerfile = parseDockerfile(text, { name, dialect: 'classic' });
  const target = targetStage(dockerfile, request.target);
  if (request.limits) checkLimits(request.limits, env.jobs);
  const lease = env.leases.create();
  const digests = openFileDigests(env.layout, request.context.root);
  const work = async (): Promise<BuildResult> => {
    const stages = dockerfile.stages.slice(0, target.index + 1);
    const labels = Object.entries(request.labels).sort(([a], [b]) => (a < b ? -1 : 1));
    const total = dockerfile.metaArgs.length + stages.reduce((n, s) => n + 1 + s.commands.length, 0) + labels.length;
    const output = new Output(request.onEvent, total, env.now);
    const meta = globalArgs(dockerfile, { buildArgs: request.buildArgs });
    const args = new BuildArgs(request.buildArgs, meta);
    const parts: StepParts = {
      env,
      request,
      output,
      lease,
      digests,
      images: new StepImages(
        env,
        lease,
        request.noCache,
        request.classic.cacheFrom.length > 0 ? new CacheSources(env, lease, request.classic.cacheFrom) : undefined,
      ),
      bases: new Bases(env, request, dockerfile, meta),
    };
    const built = new ClassicBuild(parts, dockerfile, args, labels);
    const last = await built.run(stages).catch((e: unknown) => {
      output.end(e);
      throw e;
    });
    output.end();
    const image = request.squash ? await squashImage(env, last, built.base, lease) : last;
    const unused = args.unused();
    if (unused.length > 0) output.line(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed`);
    return { image: finish(env, request, output, image), warnings: [] };
  };
  return await withCleanup(
    work,
    () => digests.save(),
    () => lease.release(),
  );
}

class ClassicBuild {
  readonly #parts: StepParts;
  readonly #dockerfile: Dockerfile;
  readonly #args: BuildArgs;
  readonly #labels: readonly (readonly [string, string])[];
  readonly #done: StageState[] = [];
  /** What the last stage began with. */
  base: Image | undefined;

  constructor(parts: StepParts, dockerfile: Dockerfile, args: BuildArgs, labels: readonly (readonly [string, string])[]) {
    this.#parts = parts;
    this.#dockerfile = dockerfile;
    this.#args = args;
    this.#labels = labels;
  }

  /** Builds these stages; the image of the last one. */
  async run(stages: readonly Stage[]): Promise<Image> {
    for (const arg of this.#dockerfile.metaArgs) this.#parts.output.step(arg.original);
    for (const stage of stages) this.#done.push(await this.#stage(stage, stage === stages.at(-1)));
    const image = this.#done.at(-1)?.image;
    if (!image) throw new SlipwayError('invalid-argument', 'build.no-image', 'No image was generated. Is your Dockerfile empty?');
    return image;
  }

  async #stage(stage: Stage, last: boolean): Promise<StageState> {
    const { output, request, bases } = this.#parts;
    output.step(stage.from.original);
    if (stage.name !== undefined && this.#done.some((s) => s.name === stage.name))
      throw new SlipwayError('invalid-argument', 'build.stage-name', `${stage.name} stage name already used`, {
        source: sourceOf(stage.from),
      });
    const base = await bases.ofStage(stage.from, this.#done, request.platform ?? hostPlatform());
    const state = beginStage({
      index: stage.index,
      name: stage.name,
      args: this.#args.forStage(),
      platform: base.platform,
      image: base.image,
    });
    this.base = base.image;
    await this.#triggers(state);
    output.image(state.image?.id);
    for (const instruction of stage.commands) {
      request.signal.throwIfAborted();
      output.step(instruction.original);
      await this.#dispatch(state, instruction);
      output.image(state.image?.id);
    }
    for (const [key, value] of last ? this.#labels : []) {
      output.step(`LABEL ${key}=${value}`);
      state.config = { ...state.config, Labels: sortedMap({ ...state.config.Labels, [key]: value }) };
      await commitMetadata(this.#parts, state, `LABEL ${key}=${value}`);
      output.image(state.image?.id);
    }
    return state;
  }

  /** What the base asks of every build upon it; it is not passed on. */
  async #triggers(state: StageState): Promise<void> {
    const triggers = state.config.OnBuild ?? [];
    const { OnBuild: _, ...config } = state.config;
    state.config = config;
    if (triggers.length === 0) return;
    this.#parts.output.line(triggers.length === 1 ? '# Executing 1 build trigger' : `# Executing ${triggers.length} build triggers`);
    for (const trigger of triggers) await this.#dispatch(state, parseTrigger(trigger));
  }

  async #dispatch(state: StageState, written: Instruction): Promise<void> {
    try {
      await this.#instruction(state, written);
    } catch (e) {
      throw placed(e, sourceOf(written));
    }
  }

  async #instruction(state: StageState, written: Instruction): Promise<void> {
    const env = new Map(state.args.active(state.config.Env ?? []).map((a) => [a.name, a.value]));
    for (const variable of state.config.Env ?? []) {
      const at = variable.indexOf('=');
      env.set(at < 0 ? variable : variable.slice(0, at), at < 0 ? '' : variable.slice(at + 1));
    }
    // mistakes in mounts are found before it is found that there can be none
    if (written.kind === 'RUN') expandRunMounts(written, env, { escape: this.#dockerfile.escape });
    refuseUnsupported(written);
    const { instruction } = expandInstruction(written, env, { escape: this.#dockerfile.escape, dialect: 'classic' });
    switch (instruction.kind) {
      case 'FROM':
        throw new SlipwayError('invalid-argument', 'onbuild.from', "FROM isn't allowed as an ONBUILD trigger");
      case 'RUN':
        return runInstruction(this.#parts, state, instruction);
      case 'COPY':
      case 'ADD':
        return copyInstruction(this.#parts, state, this.#done, instruction);
      case 'WORKDIR':
        return workdirInstruction(this.#parts, state, instruction);
      default:
        return commitMetadata(
          this.#parts,
          state,
          applyMetadata(state, instruction, (text) => this.#parts.output.text(text)),
        );
    }
  }
}

/** What is wrong in a trigger has no line of this file. */
function parseTrigger(text: string): Instruction {
  try {
    return parseInstruction(text, { dialect: 'classic' });
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    const message = e.message.replace(/^dockerfile parse error on line \d+: /, '');
    const { kind, code, hints } = e; // without its place
    throw new SlipwayError(kind, code, message, { hints, cause: e });
  }
}

function finish(env: BuildEnvironment, request: BuildJob, output: Output, image: Image): Image {
  env.keep?.addImage(image.id);
  output.line(`Successfully built ${shortId(image.id)}`);
  const names: string[] = [];
  for (const tag of new Set(request.tags)) {
    const reference = withDefaultTag(parseReference(tag));
    env.images.tag(image.id, formatReference(reference));
    crashPoint('build.tagged');
    output.line(`Successfully tagged ${familiarReference(reference)}`);
    names.push(formatReference(reference));
  }
  request.onEvent({ type: 'image', id: image.id, names });
  return image;
}
