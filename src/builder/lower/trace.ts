// What lowering went through, instruction by instruction: for going through a build step by step.
import type { Instruction, Stage } from '../../dockerfile/index.ts';
import type { Node } from '../../graph/index.ts';
import { type ContainerConfig, formatPlatform } from '../../model/index.ts';
import type { StageState } from './state.ts';

export interface TracedStep {
  readonly instruction: Instruction;
  readonly stage: Stage;
  /** The file system that it begins with; of a FROM the one that it brings. */
  readonly before: Node | undefined;
  /** What it made of that, if it is to be executed. */
  after: Node | undefined;
  readonly args: readonly (readonly [name: string, value: string | undefined])[];
  /** `NAME=value` of environment and arguments, as a RUN would have them. */
  readonly env: readonly string[];
  readonly config: ContainerConfig;
  readonly platform: string;
}

export class Trace {
  readonly #steps: TracedStep[] = [];

  /** Before an instruction is lowered, and right after a FROM. */
  at(instruction: Instruction, state: StageState): TracedStep {
    const args = state.args.map(({ key }) => [key, state.variables.get(key)] as const);
    const step: TracedStep = {
      instruction,
      stage: state.stage,
      before: state.node,
      after: undefined,
      args: [...new Map(args.map((pair) => [pair[0], pair]))].map(([, pair]) => pair),
      env: programEnvironment(state),
      config: structuredClone(state.config),
      platform: formatPlatform(state.platform),
    };
    this.#steps.push(step);
    return step;
  }

  /** As they stand in the file: what a stage needs of others comes before it. */
  steps(): TracedStep[] {
    return this.#steps.toSorted((a, b) => a.stage.index - b.stage.index);
  }
}

/** The environment that a program of a step sees. */
export function programEnvironment({ config, args, variables }: Pick<StageState, 'config' | 'args' | 'variables'>): string[] {
  const own = (config.Env ?? []).map((e) => e.slice(0, e.indexOf('=')));
  const names = new Set([...own, ...args.filter((a) => variables.has(a.key)).map((a) => a.key)]);
  return [...names].map((name) => `${name}=${variables.get(name) ?? ''}`);
}
