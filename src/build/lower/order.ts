// Which stages read from which, as they name each other, whether or not that is allowed. Pure.
import { type Dockerfile, resolveStage, type Stage } from '../../dockerfile/index.ts';

/** Whether `reader` needs `stage`, or is it. */
export function readsFrom(dockerfile: Dockerfile, reader: Stage, stage: Stage): boolean {
  const seen = new Set<Stage>();
  const stack = [reader];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (at === stage) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    const { index } = at;
    const base = dockerfile.stages.slice(0, index).findLast((s) => s.name === at?.from.base);
    const named = namesIn(at).map((name) => resolveStage(dockerfile, name));
    for (const one of [base, ...named]) if (one) stack.push(one);
  }
  return false;
}

const namesIn = (stage: Stage): string[] =>
  stage.commands.flatMap((i) => {
    if (i.kind === 'COPY') return i.from === undefined ? [] : [i.from];
    return i.kind === 'RUN' ? i.mounts.flatMap((m) => (m.from === undefined ? [] : [m.from])) : [];
  });
