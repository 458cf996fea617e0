// Which stages read from which, as they name each other. What is wrong there is an error in stages that are not needed too. Pure.
import { type CopyInstruction, type Dockerfile, type Instruction, resolveStage, type Stage } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { sourceOf } from '../placed.ts';

/** The stage that a mount names: a number is no name here. */
export function mountedStage({ stages }: Dockerfile, name: string): Stage | undefined {
  const lower = name.toLowerCase();
  return stages.findLast((stage) => stage.name === lower);
}

/** Throws invalid-argument 'build.from-index' for numbers of stages that do not exist, 'build.from-itself' for circles. */
export function checkOrder(dockerfile: Dockerfile, isNamed: (name: string) => boolean): void {
  const uses = new Map<Stage, readonly Use[]>();
  for (const stage of dockerfile.stages) uses.set(stage, usesOf(dockerfile, stage, isNamed));
  const visited = new Set<Stage>();
  for (const begin of dockerfile.stages) {
    const circle = findCircle(begin, uses, visited);
    if (circle === undefined) continue;
    const name = begin.name ?? `stage-${begin.index}`;
    throw new SlipwayError('invalid-argument', 'build.from-itself', `circular dependency detected on stage: ${name}`, {
      source: sourceOf(circle),
    });
  }
}

/** The stages that a target needs, in the order of the file. */
export function neededStages(
  dockerfile: Dockerfile,
  target: Stage,
  baseOf: (stage: Stage) => Stage | undefined,
  isNamed: (name: string) => boolean,
): Stage[] {
  const needed = new Set([target]);
  for (const stage of needed) {
    const base = baseOf(stage);
    if (base) needed.add(base);
    for (const use of usesOf(dockerfile, stage, isNamed)) needed.add(use.stage);
  }
  return dockerfile.stages.filter((stage) => needed.has(stage));
}

interface Use {
  readonly by: Instruction;
  readonly stage: Stage;
}

function usesOf(dockerfile: Dockerfile, { commands, index }: Stage, isNamed: (name: string) => boolean): Use[] {
  return commands.flatMap((by): Use[] => {
    if (by.kind === 'COPY') {
      if (by.from === undefined || isNamed(by.from)) return [];
      const stage = resolveStage(dockerfile, by.from);
      if (stage === undefined && /^[+-]?\d+$/.test(by.from)) throw noSuchIndex(by, Number(by.from), index);
      return stage ? [{ by, stage }] : [];
    }
    if (by.kind !== 'RUN') return [];
    return by.mounts.flatMap(({ from }) => {
      const stage = from === undefined || isNamed(from) ? undefined : mountedStage(dockerfile, from);
      return stage ? [{ by, stage }] : [];
    });
  });
}

function noSuchIndex(by: CopyInstruction, wanted: number, index: number): SlipwayError {
  return new SlipwayError('invalid-argument', 'build.from-index', `invalid stage index ${wanted}`, {
    source: sourceOf(by),
    hints: [`this stage is number ${index}; only earlier ones can be copied from`],
  });
}

/** The first instruction on a way from `begin` that comes back to itself. A file may have very many stages: no recursion. */
function findCircle(begin: Stage, uses: ReadonlyMap<Stage, readonly Use[]>, visited: Set<Stage>): Instruction | undefined {
  if (visited.has(begin)) return undefined;
  visited.add(begin);
  const path = [{ stage: begin, left: [...(uses.get(begin) ?? [])], by: undefined as Instruction | undefined }];
  const onPath = new Set([begin]);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const use = top.left.shift();
    if (use === undefined) {
      onPath.delete(top.stage);
      path.pop();
    } else if (onPath.has(use.stage)) return path[1]?.by ?? use.by;
    else if (!visited.has(use.stage)) {
      visited.add(use.stage);
      onPath.add(use.stage);
      path.push({ stage: use.stage, left: [...(uses.get(use.stage) ?? [])], by: use.by });
    }
  }
  return undefined;
}
