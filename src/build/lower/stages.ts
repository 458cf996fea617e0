// From stages to nodes: only those that the target needs are lowered; the others are named, with the reason.
import {
  expandInstruction,
  globalArgs,
  type Dockerfile,
  type Instruction,
  nearestStage,
  parseInstruction,
  platformArgs,
  resolveStage,
  type Stage,
} from '../../dockerfile/index.ts';
import { Graph, type Node } from '../../graph/index.ts';
import type { Image } from '../../image/index.ts';
import {
  formatReference,
  hostPlatform,
  isSlipwayError,
  parsePlatform,
  parseReference,
  type Platform,
  SlipwayError,
  type SourceExcerpt,
  withDefaultTag,
} from '../../model/index.ts';
import type { PullProgress } from '../../registry/index.ts';
import type { NamedContext } from '../context/index.ts';
import type { BuildEnvironment, BuildRequest } from '../types.ts';
import { lowerConfig } from './config.ts';
import { lowerCopy, lowerWorkdir } from './files.ts';
import { lowerRun } from './run.ts';
import { placed, sourceOf } from '../placed.ts';
import { DEFAULT_PATH, environmentOf, type LowerContext, shownLabel, type StageState } from './state.ts';

export interface Lowered {
  readonly state: StageState;
  /** Stages that were not needed. */
  readonly skipped: readonly Stage[];
}

/** Steps that are counted in names: those that show in the progress. */
const COUNTED = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);

export class Lowering {
  readonly #env: BuildEnvironment;
  readonly #request: BuildRequest;
  readonly #dockerfile: Dockerfile;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #graph = new Graph();
  readonly #states = new Map<number, Promise<StageState>>();
  readonly #target: Platform;
  /** Names of images that were looked at, told as steps. */
  readonly #onImage: (name: string) => void;
  readonly #onPull: (name: string, p: PullProgress) => void;

  constructor(
    env: BuildEnvironment,
    request: BuildRequest,
    dockerfile: Dockerfile,
    on: { image(name: string): void; pull(name: string, p: PullProgress): void },
  ) {
    this.#env = env;
    this.#request = request;
    this.#dockerfile = dockerfile;
    this.#onImage = on.image;
    this.#onPull = on.pull;
    this.#target = request.platform ?? hostPlatform();
    this.#globals = globalArgs(dockerfile, {
      buildArgs: request.buildArgs,
      platformArgs: platformArgs(hostPlatform(), this.#target),
      ...(request.target !== undefined && { target: request.target }),
    });
  }

  async lower(target: Stage): Promise<Lowered> {
    const state = await this.#stage(target);
    return { state, skipped: this.#dockerfile.stages.filter((s) => !this.#states.has(s.index)) };
  }

  /** What the base images of the stages that were needed have, by the numbers of the stages. */
  async bases(): Promise<Map<number, { env: Map<string, string>; shell: boolean }>> {
    const states = await Promise.all([...this.#states].map(async ([index, state]) => [index, await state] as const));
    return new Map(
      states
        .sort(([a], [b]) => a - b)
        .map(([index, { base }]) => {
          const config = base?.config.config ?? { Env: [DEFAULT_PATH] };
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

  async #lowerStage(stage: Stage): Promise<StageState> {
    const c = this.#context();
    const { instruction: from } = expandInstruction(stage.from, this.#globals, { escape: this.#dockerfile.escape });
    const source = sourceOf(stage.from);
    if (from.base === '')
      throw new SlipwayError('invalid-argument', 'build.from-blank', `base name (${stage.from.base}) should not be blank`, { source });
    const platform = from.platform === undefined || from.platform === '' ? this.#target : this.#platform(from.platform, source);
    const state = await this.#begin(stage, from.base, platform, source);
    const triggers = state.config.OnBuild ?? [];
    const { OnBuild: _, ...config } = state.config;
    state.config = config;
    for (const trigger of triggers) await this.#instruction(c, state, this.#trigger(trigger));
    for (const instruction of stage.commands) await this.#instruction(c, state, instruction);
    return state;
  }

  #trigger(text: string): Instruction {
    const instruction = parseInstruction(text, { name: 'ONBUILD' });
    if (instruction.kind === 'ONBUILD' || instruction.kind === 'FROM' || instruction.kind === 'MAINTAINER') {
      throw new SlipwayError('invalid-argument', 'build.onbuild', `${instruction.kind} isn't allowed as an ONBUILD trigger`, {
        source: sourceOf(instruction),
      });
    }
    return instruction;
  }

  /** The state right after FROM: of an earlier stage, an image, a named context, or nothing. */
  async #begin(stage: Stage, name: string, platform: Platform, source: SourceExcerpt): Promise<StageState> {
    const counted = 1 + stage.commands.filter((i) => COUNTED.has(i.kind)).length;
    const fresh = { stage, platform, author: undefined, cmdSet: false, index: 0, total: counted };
    const earlier = this.#dockerfile.stages.slice(0, stage.index).findLast((s) => s.name === name);
    const named = this.#request.namedContexts.get(name.toLowerCase());
    if (earlier && !named) {
      const parent = await this.#stage(earlier);
      return {
        ...fresh,
        index: 0,
        total: counted - 1,
        node: parent.node,
        base: parent.base,
        config: structuredClone(parent.config),
        author: parent.author,
        args: [...parent.args],
        variables: new Map(parent.variables),
        steps: [...parent.steps],
      };
    }
    const empty = {
      base: undefined,
      config: { Env: [DEFAULT_PATH], WorkingDir: '/' },
      args: [],
      variables: environmentOf({ Env: [DEFAULT_PATH] }),
      steps: [],
    };
    if (name === 'scratch') return { ...fresh, ...empty, total: counted - 1, node: undefined };
    const title = `[${shownLabel(this.#request, this.#dockerfile, stage)}1/${counted}] FROM `;
    if (named?.kind === 'directory') {
      return { ...fresh, ...empty, index: 1, node: this.#local(name.toLowerCase(), `${title}${name}`) };
    }
    const image = await this.#imageOf(name, named, platform, source);
    const config = structuredClone(image.config.config ?? {});
    if (!(config.Env ?? []).some((e) => e.startsWith('PATH='))) config.Env = [...(config.Env ?? []), DEFAULT_PATH];
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
      contextNode: () => this.#local('context', '[internal] load build context'),
      resolveFrom: (name, state, source) => this.#from(name, state, source),
    };
  }

  async #from(name: string, state: StageState, source: SourceExcerpt): Promise<{ node: Node | undefined; kind: 'stage' | 'context' }> {
    const { stage } = state;
    if (stage.name !== undefined && name.toLowerCase() === stage.name && !resolveStage(this.#dockerfile, name, stage.index)) {
      throw new SlipwayError('invalid-argument', 'build.from-itself', `circular dependency detected on stage: ${stage.name}`, { source });
    }
    const named = this.#request.namedContexts.get(name.toLowerCase());
    if (named?.kind === 'directory')
      return { node: this.#local(name.toLowerCase(), `[context ${name}] load from client`), kind: 'context' };
    const earlier = named ? undefined : resolveStage(this.#dockerfile, name, stage.index);
    if (earlier) return { node: (await this.#stage(earlier)).node, kind: 'stage' };
    if (/^\d+$/.test(name)) {
      throw new SlipwayError('invalid-argument', 'build.from-index', `invalid stage index ${name}`, {
        source,
        hints: [`this stage is number ${stage.index}; only earlier ones can be copied from`],
      });
    }
    if (name === 'scratch' && !named) return { node: undefined, kind: 'stage' };
    const image = await this.#imageOf(name, named, this.#target, source, nearestStage(this.#dockerfile, name));
    return { node: this.#imageNode(image, identifierOf(name, named), 'FROM ', source), kind: 'stage' };
  }

  async #imageOf(name: string, named: NamedImage | undefined, platform: Platform, source: SourceExcerpt, near?: string): Promise<Image> {
    if (named?.kind !== 'layout') return this.#image(named?.ref ?? name, platform, source, near);
    try {
      return await this.#env.openLayout(named.layout, this.#request.signal);
    } catch (e) {
      throw placed(e, source);
    }
  }

  async #image(name: string, platform: Platform, source: SourceExcerpt, near?: string): Promise<Image> {
    try {
      const whole = formatReference(withDefaultTag(parseReference(name)));
      this.#onImage(whole);
      return await this.#env.resolveBase(whole, {
        platform,
        pull: this.#request.pull,
        signal: this.#request.signal,
        onProgress: (p) => this.#onPull(whole, p),
      });
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      const message = e.code === 'reference.invalid' ? `failed to parse stage name "${name}": ${e.message}` : e.message;
      const hints = [...(near === undefined ? [] : [`there is a stage named ${near}`]), ...e.hints];
      throw new SlipwayError(e.kind, e.code, message, { hints, cause: e, source });
    }
  }

  #imageNode(image: Image, identifier: string, title: string, source: SourceExcerpt): Node {
    return this.#graph.node({ kind: 'source', identifier: `${identifier}@${image.id}` }, [], {
      name: `${title}${identifier.replace('docker-image://', '')}`,
      source,
      noCache: false,
    });
  }

  #local(name: string, title: string): Node {
    return this.#graph.node({ kind: 'source', identifier: `local://${name}` }, [], { name: title, noCache: false });
  }

  #platform(text: string, source: SourceExcerpt): Platform {
    try {
      return parsePlatform(text);
    } catch (e) {
      if (!isSlipwayError(e)) throw e;
      throw new SlipwayError(e.kind, e.code, `failed to parse platform ${text}: ${e.message}`, { cause: e, source });
    }
  }
}

type NamedImage = Exclude<NamedContext, { kind: 'directory' }>;

/** As the graph names an image: by the reference that it was found by, or by the name of the context that is one. */
function identifierOf(name: string, named: NamedImage | undefined): string {
  if (named?.kind === 'layout') return `oci-layout://${name.toLowerCase()}`;
  return `docker-image://${formatReference(withDefaultTag(parseReference(named?.ref ?? name)))}`;
}
