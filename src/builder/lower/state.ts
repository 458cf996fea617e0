// What lowering carries from one instruction of a stage to the next: the node of its file system, and the configuration and
// history that the image will have.
import { SYSTEM_PATH } from '../../sys/index.ts';
import type { ArgDeclaration, Dockerfile, Instruction, Stage } from '../../dockerfile/index.ts';
import type { Graph, Node, NodeMeta } from '../../graph/index.ts';
import type { ContainerConfig, Platform, SourceExcerpt } from '../../model/index.ts';
import { sourceOf } from '../placed.ts';
import type { BaseImage, BuildJob } from '../types.ts';
import type { StageOutline } from './outline.ts';

/** One entry of history before it has a time; `node` is what made its layer, if it may have one. */
export interface Step {
  readonly createdBy: string;
  readonly node?: Node;
  readonly author?: string;
}

export interface StageState {
  readonly stage: Stage;
  /** The file system; undefined is the empty one of scratch. */
  node: Node | undefined;
  /** The image that it all began with. */
  readonly base: BaseImage | undefined;
  readonly platform: Platform;
  config: ContainerConfig;
  author: string | undefined;
  /** What ARG declared so far, with values where there are any. */
  readonly args: ArgDeclaration[];
  /** What instructions and programs see: environment and arguments, of which whatever came later counts. */
  readonly variables: Map<string, string>;
  readonly steps: Step[];
  readonly outline: StageOutline;
  cmdSet: boolean;
  /** The number of the next step of this stage that is told, and how many there are. */
  index: number;
  total: number;
}

/** What lowering of any instruction may use. */
export interface LowerContext {
  readonly graph: Graph;
  readonly request: BuildJob;
  readonly dockerfile: Dockerfile;
  readonly globals: ReadonlyMap<string, string>;
  /** The directory that COPY reads, as a node. */
  readonly contextNode: () => Node;
  /** What `--from` means: a stage, a named context, an image. Undefined is an empty file system. */
  readonly resolveFrom: (
    name: string,
    state: StageState,
    source: SourceExcerpt,
    /** Of a mount. */
    mountTarget?: string,
  ) => Promise<{ node: Node | undefined; kind: 'stage' | 'context' }>;
}

/** Where programs are looked for in an image that does not say it. */
export const DEFAULT_PATH = `PATH=${SYSTEM_PATH}`;

export const hasPath = ({ Env }: ContainerConfig): boolean => (Env ?? []).some((e) => e.startsWith('PATH='));

/** The configuration of scratch; Windows has a path of its own. */
export const emptyConfig = ({ os }: Platform): ContainerConfig =>
  os === 'windows' ? { WorkingDir: '\\' } : { Env: [DEFAULT_PATH], WorkingDir: '/' };

/** The empty file system, where something must be read or run on it. */
export const scratchNode = (graph: Graph): Node =>
  graph.node({ kind: 'source', identifier: 'scratch' }, [], { name: 'scratch', noCache: false });

/** `[build 2/3] RUN x`; a stage without a name is called by its number when there are others. */
export function stepName(c: LowerContext, state: StageState, text: string): string {
  return `[${shownLabel(c.request, c.dockerfile, state.stage)}${++state.index}/${state.total}] ${text}`;
}

/** What stands before the number of a step: the platform, where there are several, and the stage. */
export function shownLabel({ platformLabel }: LowerContext['request'], dockerfile: Dockerfile, stage: Stage): string {
  const label = isAlone(dockerfile) ? undefined : (stage.name ?? `stage-${stage.index}`);
  return [platformLabel, label].flatMap((l) => (l === undefined ? [] : [`${l} `])).join('');
}

/** Whether there is but one stage for BuildKit, to which mounts and images that are copied from are further ones. */
const isAlone = ({ stages }: Dockerfile): boolean =>
  stages.length === 1 &&
  !stages[0]?.commands.some((i) => (i.kind === 'RUN' ? i.mounts.length > 0 : i.kind === 'COPY' && i.from !== undefined));

export function stageLabel(dockerfile: Dockerfile, stage: Stage): string | undefined {
  return stage.name ?? (dockerfile.stages.length > 1 ? `stage-${stage.index}` : undefined);
}

export function nodeMeta(c: LowerContext, state: StageState, name: string, instruction: Instruction): NodeMeta {
  const label = stageLabel(c.dockerfile, state.stage);
  const filter = c.request.noCacheFilter.map((f) => f.toLowerCase());
  return {
    name,
    ...(label !== undefined && { stage: label }),
    source: sourceOf(instruction),
    noCache:
      c.request.noCache ||
      (state.stage.name !== undefined && filter.includes(state.stage.name)) ||
      (label !== undefined && filter.includes(label)),
  };
}

/** The variables of a configuration's environment. */
export function environmentOf(config: ContainerConfig): Map<string, string> {
  return new Map((config.Env ?? []).map((e) => [e.slice(0, e.indexOf('=')), e.slice(e.indexOf('=') + 1)]));
}
