// From stages to nodes: only those that the target needs are lowered; the others are named, with the reason.
import {
  didYouMean,
  expandInstruction,
  expandWord,
  globalArgs,
  type Dockerfile,
  type Instruction,
  nearestStage,
  parseInstruction,
  platformArgs,
  quote,
  resolveStage,
  type Stage,
} from '../../dockerfile/index.ts';
import { Graph, type Node } from '../../graph/index.ts';
import {
  formatReference,
  hostPlatform,
  isSlipwayError,
  parsePlatform,
  type Platform,
  SlipwayError,
  type SourceExcerpt,
} from '../../model/index.ts';
import { contextKey, type NamedDirectory } from '../context/index.ts';
import type { BaseImage, BuildJob } from '../types.ts';
import { lowerConfig } from './config.ts';
import { lowerCopy, lowerWorkdir } from './files.ts';
import { lowerRun } from './run.ts';
import { placed, sourceOf } from '../placed.ts';
import { checkOrder, mountedStage, neededStages } from './order.ts';
import { StageOutline } from './outline.ts';
import { type BaseImages, contextIdentifier, MAIN_CONTEXT } from '../sources/index.ts';
import { COPY_ALL, identifierOf, isScratch, type Named, referenceOf } from './sources.ts';
import {
  DEFAULT_PATH,
  emptyConfig,
  environmentOf,
  hasPath,
  type LowerContext,
  scratchNode,
  shownLabel,
  stageLabel,
  type StageState,
} from './state.ts';
import type { Trace } from './trace.ts';

export interface Lowered {
  readonly state: StageState;
  /** Stages that were not needed. */
  readonly skipped: readonly Stage[];
}

/** Steps that are counted in names: those that show in the progress. */
const COUNTED = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);

export class Lowering {
  readonly #images: BaseImages;
  readonly #request: BuildJob;
  readonly #dockerfile: Dockerfile;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #graph = new Graph();
  readonly #states = new Map<number, Promise<StageState>>();
  readonly #target: Platform;
  readonly #trace: Trace | undefined;

  constructor(images: BaseImages, request: BuildJob, dockerfile: Dockerfile, trace?: Trace) {
    this.#trace = trace;
    this.#images = images;
    this.#request = request;
    this.#dockerfile = dockerfile;
    this.#target = request.platform ?? hostPlatform();
    this.#globals = globalArgs(dockerfile, {
      buildArgs: request.buildArgs,
      platformArgs: platformArgs(hostPlatform(), this.#target),
      ...(request.target !== undefined && { target: request.target }),
    });
  }

  /** @param all the stages that the target does not need too, for checking them */
  async lower(target: Stage, all = false): Promise<Lowered> {
    // a FROM must be right whether or not its stage is needed
    for (const stage of this.#dockerfile.stages) this.#from(stage);
    const isNamed = (name: string): boolean => this.#named(name) !== undefined;
    checkOrder(this.#dockerfile, isNamed);
    const needed = neededStages(this.#dockerfile, target, (stage) => this.#earlier(stage, this.#from(stage).name), isNamed);
    try {
      const [state] = await Promise.all([this.#lowerAll(target, all), ...this.#askAhead(needed)]);
      return { state, skipped: this.#dockerfile.stages.filter((s) => !this.#states.has(s.index)) };
    } catch (e) {
      await this.#images.stop();
      throw e;
    }
  }

  async #lowerAll(target: Stage, all: boolean): Promise<StageState> {
    const state = await this.#stage(target);
    if (all) for (const stage of this.#dockerfile.stages) await this.#stage(stage);
    return state;
  }

  /** Asks for all base images at once. Whoever comes to one waits for it; the first that fails is the build's failure. */
  #askAhead(stages: readonly Stage[]): Promise<BaseImage>[] {
    return stages.flatMap((stage) => {
      const { name, platform, source } = this.#from(stage);
      if (name === 'scratch' || this.#earlier(stage, name)) return [];
      if (this.#named(name) !== undefined || (stage.name !== undefined && this.#named(stage.name) !== undefined)) return [];
      return [this.#image(name, platform, source)];
    });
  }

  /** What the base images of the stages that were lowered have, by the numbers of the stages. */
  async bases(): Promise<Map<number, { env: Map<string, string>; shell: boolean }>> {
    const states = await Promise.allSettled([...this.#states].map(async ([index, state]) => [index, await state] as const));
    return new Map(
      states
        .flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []))
        .sort(([a], [b]) => a - b)
        .map(([index, { base }]) => {
          const config = base?.config.config ?? emptyConfig(this.#target);
          return [index, { env: environmentOf(config), shell: (config.Shell ?? []).length > 0 }];
        }),
    );
  }

  /** What is declared before the first FROM, with its values. */
  get globals(): ReadonlyMap<string, string> {
    return this.#globals;
  }

  #stage(stage: Stage): Promise<StageState> {
    let state = this.#states.get(stage.index);
    if (!state) this.#states.set(stage.index, (state = this.#lowerStage(stage)));
    return state;
  }

  /** What a FROM says once its variables are replaced. */
  #from(stage: Stage): {
    readonly name: string;
    readonly platform: Platform;
    readonly source: SourceExcerpt;
    readonly used: ReadonlySet<string>;
  } {
    const { instruction: from, used } = expandInstruction(stage.from, this.#globals, { escape: this.#dockerfile.escape });
    const source = sourceOf(stage.from);
    const { base: name, platform } = from;
    if (platform === '') throw this.#badPlatform(stage, `empty platform value from expression ${stage.from.platform}`, source);
    if (name !== 'scratch' && !this.#earlier(stage, name) && !this.#named(name)) this.#placing(source, () => referenceOf(name));
    return { name, platform: platform === undefined ? this.#target : this.#platform(stage, platform, source), source, used };
  }

  #earlier(stage: Stage, name: string): Stage | undefined {
    return this.#dockerfile.stages.slice(0, stage.index).findLast((s) => s.name === name);
  }

  /** The context that stands for a stage or an image: by `busybox` as well as `docker.io/library/busybox:latest`. */
  #named(name: string): Named | undefined {
    const key = contextKey(name);
    const context = this.#request.namedContexts.get(key);
    return context && { key, context };
  }

  #placing<T>(source: SourceExcerpt, fn: () => T): T {
    try {
      return fn();
    } catch (e) {
      throw placed(e, source);
    }
  }

  async #lowerStage(stage: Stage): Promise<StageState> {
    await Promise.resolve(); // a chain of stages may be long: each begins on a stack of its own
    const c = this.#context();
    const { name, platform, source, used } = this.#from(stage);
    const replaced = stage.name === undefined ? undefined : this.#named(stage.name);
    // a context of the stage's own name stands for all of it
    const state = await this.#begin(stage, replaced ? (stage.name as string) : name, platform, source, new StageOutline(used));
    const triggers = state.config.OnBuild ?? [];
    const { OnBuild: _, ...config } = state.config;
    if (triggers.length > 0) state.config = config;
    state.total += replaced ? 0 : triggers.length;
    if (replaced) return state;
    for (const trigger of triggers) await this.#trigger(c, state, trigger, source);
    this.#trace?.at(stage.from, state);
    for (const instruction of stage.commands) {
      const traced = this.#trace?.at(instruction, state);
      await this.#instruction(c, state, instruction);
      if (traced && state.node !== traced.before) traced.after = state.node;
    }
    return state;
  }

  /** What an image asks of the builds upon it. Its mistakes are those of the FROM that names the image. */
  async #trigger(c: LowerContext, state: StageState, text: string, source: SourceExcerpt): Promise<void> {
    try {
      const instruction = parseInstruction(text, { name: 'ONBUILD' });
      if (instruction.kind === 'ONBUILD' || instruction.kind === 'FROM' || instruction.kind === 'MAINTAINER')
        throw new SlipwayError('invalid-argument', 'build.onbuild', `${instruction.kind} isn't allowed as an ONBUILD trigger`);
      await this.#instruction(c, state, { ...instruction, file: state.stage.from.file, range: state.stage.from.range });
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      const message = e.message.replace(/^dockerfile parse error on line \d+: /, '');
      throw e.withContext({ message, source });
    }
  }

  /** The state right after FROM: of an earlier stage, an image, a named context, or nothing. */
  async #begin(stage: Stage, name: string, platform: Platform, source: SourceExcerpt, outline: StageOutline): Promise<StageState> {
    const counted = 1 + stage.commands.filter((i) => COUNTED.has(i.kind)).length;
    const fresh = { stage, platform, outline, author: undefined, cmdSet: false, index: 0, total: counted };
    const named = this.#named(name);
    const earlier = this.#earlier(stage, name);
    if (earlier && !named) {
      const parent = await this.#stage(earlier);
      outline.needs.add(parent.outline);
      return {
        ...fresh,
        index: 0,
        total: counted - 1,
        node: parent.node,
        base: parent.base,
        config: structuredClone(parent.config),
        author: parent.author,
        args: [...parent.args],
        // of a name that is both, the argument was seen after its ARG; upon the stage it is the variable again
        variables: new Map([...parent.variables, ...environmentOf(parent.config)]),
        steps: [...parent.steps],
      };
    }
    const empty = {
      base: undefined,
      config: emptyConfig(platform),
      args: [],
      variables: environmentOf(emptyConfig(platform)),
      steps: [],
    };
    if (isScratch(name, named)) return { ...fresh, ...empty, total: counted - 1, node: undefined };
    const title = `[${shownLabel(this.#request, this.#dockerfile, stage)}1/${counted}] FROM `;
    if (named?.context.kind === 'directory') {
      const node = this.#copyOf(await this.#local(named, named.context, source), `${title}${name}`, source);
      return { ...fresh, ...empty, index: 1, node, steps: [{ createdBy: `local source for ${name}`, node }] };
    }
    const image = await this.#imageOf(name, named, platform, source);
    const config = structuredClone(image.config.config ?? {});
    if (!hasPath(config) && image.config.os !== 'windows') config.Env = [...(config.Env ?? []), DEFAULT_PATH];
    return {
      ...fresh,
      index: 1,
      node: this.#imageNode(image, identifierOf(name, named), title, source),
      base: image,
      config,
      args: [],
      variables: environmentOf(config),
      steps: [],
    };
  }

  async #instruction(c: LowerContext, state: StageState, written: Instruction): Promise<void> {
    // ARG looks at its values itself: each of them sees the ones before it
    const i =
      written.kind === 'ARG' ? written : expandInstruction(written, state.variables, { escape: this.#dockerfile.escape }).instruction;
    switch (i.kind) {
      case 'RUN':
        return lowerRun(c, state, i);
      case 'COPY':
      case 'ADD':
        return lowerCopy(c, state, i);
      case 'WORKDIR':
        return lowerWorkdir(c, state, i);
      case 'FROM':
        throw new SlipwayError('internal', 'build.from', 'a FROM within a stage');
      default:
        return lowerConfig(c, state, i);
    }
  }

  #context(): LowerContext {
    return {
      graph: this.#graph,
      request: this.#request,
      dockerfile: this.#dockerfile,
      globals: this.#globals,
      contextNode: () =>
        this.#graph.node({ kind: 'source', identifier: MAIN_CONTEXT }, [], { name: '[internal] load build context', noCache: false }),
      resolveFrom: (name, state, source, mountTarget) => this.#resolve(name, state, source, mountTarget),
    };
  }

  async #resolve(
    name: string,
    state: StageState,
    source: SourceExcerpt,
    mountTarget: string | undefined,
  ): Promise<{ node: Node | undefined; kind: 'stage' | 'context' }> {
    const { stage } = state;
    const named = this.#named(name);
    if (named?.context.kind === 'directory') return { node: await this.#local(named, named.context, source), kind: 'context' };
    const find = mountTarget === undefined ? resolveStage : mountedStage;
    const meant = named ? undefined : find(this.#dockerfile, name);
    if (meant && meant.index >= stage.index) throw this.#outOfOrder(stage, name, mountTarget, source);
    if (meant) {
      const other = await this.#stage(meant);
      state.outline.needs.add(other.outline);
      return { node: other.node, kind: 'stage' };
    }
    if (isScratch(name, named)) return { node: undefined, kind: 'stage' };
    const image = await this.#imageOf(name, named, this.#target, source, nearestStage(this.#dockerfile, name));
    return { node: this.#imageNode(image, identifierOf(name, named), 'FROM ', source), kind: 'stage' };
  }

  #outOfOrder(stage: Stage, name: string, mountTarget: string | undefined, source: SourceExcerpt): SlipwayError {
    const label = stageLabel(this.#dockerfile, stage) ?? '';
    const message =
      mountTarget === undefined
        ? `cannot copy from stage ${quote(name)}, it needs to be defined before current stage ${quote(label)}`
        : `cannot mount from stage ${quote(name)} to ${quote(mountTarget)}, stage needs to be defined before current command`;
    return new SlipwayError('invalid-argument', 'build.from-later', message, { source });
  }

  async #imageOf(name: string, named: Named | undefined, platform: Platform, source: SourceExcerpt, near?: string): Promise<BaseImage> {
    const context = named?.context;
    if (context?.kind !== 'layout') return this.#image(context?.kind === 'image' ? context.ref : name, platform, source, near);
    try {
      return await this.#images.inLayout(context.layout, platform);
    } catch (e) {
      throw placed(e, source);
    }
  }

  async #image(name: string, platform: Platform, source: SourceExcerpt, near?: string): Promise<BaseImage> {
    try {
      return await this.#images.find(formatReference(referenceOf(name)), platform);
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      const hints = [...(near === undefined ? [] : [`there is a stage named ${near}`]), ...e.hints];
      throw e.withContext({ hints, source });
    }
  }

  #imageNode(image: BaseImage, identifier: string, title: string, source: SourceExcerpt): Node {
    return this.#graph.node({ kind: 'source', identifier: `${identifier}@${image.id}` }, [], {
      name: `${title}${identifier.replace('docker-image://', '')}`,
      source,
      noCache: false,
    });
  }

  async #local({ key }: Named, directory: NamedDirectory, source: SourceExcerpt): Promise<Node> {
    try {
      await directory.open();
    } catch (e) {
      throw placed(e, source);
    }
    return this.#graph.node({ kind: 'source', identifier: contextIdentifier(key) }, [], {
      name: `[context ${key}] load from client`,
      noCache: false,
    });
  }

  /** A directory as the files that a stage begins with: the first layer of its image. */
  #copyOf(directory: Node, name: string, source: SourceExcerpt): Node {
    const noCache = this.#request.noCache;
    return this.#graph.node(COPY_ALL, [scratchNode(this.#graph), directory], { name, source, noCache });
  }

  #platform(stage: Stage, text: string, source: SourceExcerpt): Platform {
    try {
      return parsePlatform(text);
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      throw this.#badPlatform(stage, `failed to parse platform ${stage.from.platform}: ${e.message}`, source);
    }
  }

  /** With the argument that may have been meant by one that is not declared. */
  #badPlatform({ from }: Stage, message: string, source: SourceExcerpt): SlipwayError {
    const { unmatched } = expandWord(from.platform ?? '', this.#globals, { escape: this.#dockerfile.escape });
    const near = [...unmatched].map((name) => didYouMean(name, this.#globals.keys(), true)).find((text) => text !== '');
    return new SlipwayError('invalid-argument', 'build.platform', `${message}${near ?? ''}`, { source });
  }
}
