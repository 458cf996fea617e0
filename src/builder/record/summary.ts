// Where the time of a build went: what the cache and running side by side saved, and the chain of steps that it could not have
// been faster than.
import type { StepRecord } from './types.ts';

export interface BuildSummary {
  /** ms. */
  readonly wallMs: number;
  readonly ran: number;
  readonly cached: number;
  /** ms that cached steps took when they ran. */
  readonly savedByCacheMs: number;
  /** ms by which the steps that ran took longer than the time in which they ran. */
  readonly savedByParallelMs: number;
  /** Steps each of which waited for the one before, with their ms. */
  readonly criticalPath: readonly { readonly id: string; readonly name: string; readonly ms: number }[];
}

export function summarize(steps: readonly StepRecord[], wallMs: number): BuildSummary {
  // what is told in between, such as the export, is no step of the Dockerfile
  const counted = steps.filter((s) => !s.id.startsWith('internal:') && s.inputs.length > 0);
  const ran = counted.filter((s) => s.state === 'done' && s.startedAt !== undefined && s.endedAt !== undefined);
  const cached = counted.filter((s) => s.state === 'cached');
  const path = criticalPath(steps);
  return {
    wallMs,
    ran: ran.length,
    cached: cached.length,
    savedByCacheMs: sum(cached.map((s) => s.savedMs ?? 0)),
    savedByParallelMs: Math.max(0, sum(ran.map(duration)) - busyTime(ran)),
    criticalPath: path.map((s) => ({ id: s.id, name: s.name, ms: duration(s) })),
  };
}

const duration = (s: StepRecord): number => (s.endedAt ?? 0) - (s.startedAt ?? s.endedAt ?? 0);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Time during which at least one step ran. */
function busyTime(steps: readonly StepRecord[]): number {
  let busy = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const s of steps.toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))) {
    const [start, end] = [Math.max(s.startedAt ?? 0, until), s.endedAt ?? 0];
    if (end > start) busy += end - start;
    until = Math.max(until, end);
  }
  return busy;
}

/** Of the steps that ran, those of the longest chain, in order. Inputs come before what reads them. */
function criticalPath(steps: readonly StepRecord[]): StepRecord[] {
  const best = new Map<string, { ms: number; before: string | undefined }>();
  const byId = new Map(steps.map((s) => [s.id, s]));
  // no recursion: chains are long
  const order: StepRecord[] = [];
  const seen = new Set<string>();
  for (const start of steps) {
    const stack: { step: StepRecord; next: number }[] = seen.has(start.id) ? [] : [{ step: start, next: 0 }];
    seen.add(start.id);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const id = top.step.inputs[top.next++]?.id;
      if (id === undefined && top.next > top.step.inputs.length) {
        order.push(top.step);
        stack.pop();
      }
      const input = id === undefined ? undefined : byId.get(id);
      if (input === undefined || seen.has(input.id)) continue;
      seen.add(input.id);
      stack.push({ step: input, next: 0 });
    }
  }
  for (const s of order) {
    let before: string | undefined;
    for (const { id } of s.inputs) if ((best.get(id)?.ms ?? -1) > (before === undefined ? -1 : (best.get(before)?.ms ?? -1))) before = id;
    best.set(s.id, { ms: duration(s) + (before === undefined ? 0 : (best.get(before)?.ms ?? 0)), before });
  }
  let at: string | undefined;
  for (const [id, { ms }] of best) if (ms > 0 && ms > (at === undefined ? 0 : (best.get(at)?.ms ?? 0))) at = id;
  const path: StepRecord[] = [];
  for (; at !== undefined; at = best.get(at)?.before) {
    const step = byId.get(at);
    if (step && duration(step) > 0) path.unshift(step);
  }
  return path;
}
